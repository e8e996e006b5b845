"""The port between `wxbus.rpc.Client` and its transports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An encoded call."""

    service: str
    method: str
    content_type: str
    """Content type of the body and of the requested answer."""
    body: bytes = field(repr=False)
    content_encoding: str | None = None

    def __str__(self) -> str:
        return f"{self.service}.{self.method}"


@dataclass(frozen=True, slots=True)
class Incoming:
    """An encoded answer; `status` is an HTTP status on every transport."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


ANSWER_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a decompressed answer; protects callers from a faulty service."""


class Transport(Protocol):
    """A transport to services."""

    async def send(self, call: Outgoing, *, timeout: float) -> Incoming:
        """Return the answer with any status; the caller cancels after `timeout` seconds.

        Raises:
            RpcUnavailable: No answer; the call may or may not have run. The error contains no secret.
        """
