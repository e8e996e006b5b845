"""A message as it came from RabbitMQ, also in the form in which it can be kept elsewhere."""

import struct
import time
from dataclasses import dataclass

from pamqp.commands import Basic
from pamqp.header import ContentHeader

_HEAD = struct.Struct(">dI")
"""Time of arrival, in seconds since the epoch; bytes of the header."""


@dataclass(frozen=True, slots=True)
class Received:
    """Properties and body."""

    properties: Basic.Properties
    body: bytes

    def pack(self, age: float) -> bytes:
        """Return it as bytes; `age` is seconds since its arrival."""
        header = ContentHeader(body_size=len(self.body), properties=self.properties).marshal()
        return _HEAD.pack(time.time() - age, len(header)) + header + self.body

    @classmethod
    def unpack(cls, packed: bytes) -> "tuple[Received, float]":
        """Return what `pack` wrote, and its age in seconds, which counts on."""
        arrived, size = _HEAD.unpack_from(packed)
        body = _HEAD.size + size
        header = ContentHeader()
        header.unmarshal(packed[_HEAD.size : body])
        return cls(header.properties, packed[body:]), max(0.0, time.time() - arrived)
