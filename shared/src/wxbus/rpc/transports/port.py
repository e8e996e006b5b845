"""What carries a call from `wxbus.rpc.Client` to a service and its answer back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call as bytes."""

    service: str
    method: str
    content_type: str
    """Of the body, and of the answer that is wanted."""
    body: bytes = field(repr=False)
    content_encoding: str | None = None

    def __str__(self) -> str:
        return f"{self.service}.{self.method}"


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer as bytes; `status` is that of HTTP on every transport."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


ANSWER_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of an answer, inflated: a service that goes wrong must not take its callers along."""


class Transport(Protocol):
    """One way to services."""

    async def send(self, call: Outgoing, *, timeout: float) -> Incoming:
        """Return the answer, whatever its status; the caller gives up by itself after `timeout` seconds.

        Raises:
            RpcUnavailable: There is none; the call may or may not have had its effect. No secret is in the error.
        """
