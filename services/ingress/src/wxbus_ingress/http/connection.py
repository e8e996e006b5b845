"""A connection of the public port: records first bytes, and limits headers."""

import asyncio
from typing import Protocol, cast

import structlog

from wxbus.runtime.direct_server import DirectConnection
from wxbus_ingress.http.admission import REFUSED_CONNECTIONS, Admission

HEADER_LIMIT = 32 * 1024
"""Bytes of an incomplete header."""
LINGER = 2.0
"""Seconds for which the rest of a refused request is read, so that its sender receives the response."""

log = structlog.stdlib.get_logger(__name__)


def _response(status: str, text: str, *fields: str) -> bytes:
    head = (f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(text)}", *fields)
    return "\r\n".join((*head, "Connection: close", "", text)).encode()


SLOW_HEADER = _response("408 Request Timeout", "the header did not arrive in time\n")
LONG_HEADER = _response(
    "431 Request Header Fields Too Large", f"the header is over the limit of {HEADER_LIMIT} bytes\n"
)
TOO_MANY = _response(
    "503 Service Unavailable", "not accepted: too many connections, please send it again\n", "Retry-After: 5"
)


class ConnectionServer(Protocol):
    """The part of the server that a connection uses."""

    admission: Admission
    header_timeout: float


class Connection(DirectConnection):
    """A connection that records the first byte of each request, and limits size and time of its header."""

    __slots__ = ("_first_byte", "_header_bytes", "_header_timer", "_in_header", "_server")

    _server: ConnectionServer
    _first_byte: float | None
    _in_header: bool
    _header_bytes: int
    _header_timer: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._server = cast("ConnectionServer", self.server)
        self._server.admission.connections += 1
        self._first_byte, self._in_header, self._header_bytes, self._header_timer = None, True, 0, None
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop counting the connection."""
        self._server.admission.connections -= 1
        self._cancel_header_timer()
        super().connection_lost(exc)

    def parse(self, data: bytes) -> None:
        """Record the time of the first bytes of a request, and parse them."""
        if self._first_byte is None:
            self._first_byte = self.last_byte
        super().parse(data)
        if self._in_header and not self.has_parsed_request:
            self._limit_header(self._first_byte, len(data))

    def begin_request(self) -> float:
        """Return the loop's time of the first byte of the request that is served now."""
        self._in_header = False
        self._cancel_header_timer()
        return self.loop.time() if self._first_byte is None else self._first_byte

    def end_request(self) -> None:
        """Expect the next request, whose bytes may have arrived already."""
        self._in_header = True
        self._first_byte = self.last_byte if self.has_parsed_request else None

    def _limit_header(self, first_byte: float, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > HEADER_LIMIT:
            self._refuse(LONG_HEADER)
        elif self._header_timer is None:
            self._header_timer = self.loop.call_at(first_byte + self._server.header_timeout, self._refuse, SLOW_HEADER)

    def _cancel_header_timer(self) -> None:
        self._header_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, response: bytes) -> None:
        self._cancel_header_timer()
        if self.transport is not None:
            log.info("http.refused", status=int(response[9:12]), remote=self.peer_address)
            self.close()  # drops further bytes; only our side is closed, since a reset would discard the response
            self.transport.write(response)
            self.transport.write_eof()
            self.loop.call_later(LINGER, self.transport.abort)


class RefusedConnection(asyncio.Protocol):
    """A connection above the limit: answers 503 to the first bytes and closes."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request: a client that has not sent one may not read the response."""
        self._admission.refused_connections += 1
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(LINGER, self._transport.abort)
        if self._admission.refused_connections > REFUSED_CONNECTIONS:
            self._transport.abort()

    def data_received(self, _data: bytes) -> None:
        """Respond and close."""
        self._transport.write(TOO_MANY)
        self._transport.close()

    def connection_lost(self, _exc: BaseException | None) -> None:
        """Stop counting the connection."""
        self._admission.refused_connections -= 1
        self._timer.cancel()
