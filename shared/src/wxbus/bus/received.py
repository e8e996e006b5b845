"""A message as received from RabbitMQ, and its packed form for storage elsewhere."""

import struct
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pamqp.commands import Basic

from wxbus.bus.properties import decode_properties, to_basic_properties

_HEAD = struct.Struct(">dI")
"""Time of arrival, in seconds since the epoch; bytes of the properties."""


class Received:
    """Body and properties of a message; the properties are decoded at their first use."""

    def __init__(self, encoded: bytes, body: bytes) -> None:
        """`encoded` are the properties as in an AMQP content header."""
        self.encoded = encoded
        self.body = body

    @classmethod
    def of(cls, properties: Basic.Properties, body: bytes) -> "Received":
        """Return a message with decoded properties."""
        return cls(properties.marshal(), body)

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The properties that are present, without the timestamp."""
        return decode_properties(self.encoded)

    @property
    def properties(self) -> Basic.Properties:
        """The properties as pamqp's object."""
        return to_basic_properties(self.encoded)

    def pack(self, age: float) -> bytes:
        """Return the message as bytes; `age` is the seconds since its arrival."""
        return _HEAD.pack(time.time() - age, len(self.encoded)) + self.encoded + self.body

    @classmethod
    def unpack(cls, packed: bytes) -> "tuple[Received, float]":
        """Return the packed message, and its age in seconds, which includes the time since `pack`."""
        arrived, size = _HEAD.unpack_from(packed)
        body = _HEAD.size + size
        return cls(packed[_HEAD.size : body], packed[body:]), max(0.0, time.time() - arrived)
