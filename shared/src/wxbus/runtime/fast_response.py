"""A small response for hot paths, written in one piece.

aiohttp's `web.Response` builds a dictionary of headers, calls hooks and writes head and body through several
coroutines: for a small response that costs as much as the rest of the request.
"""

from functools import lru_cache
from typing import cast

from aiohttp import HttpVersion11, web

from wxbus.runtime.aiohttp_internals import http_date


@lru_cache(maxsize=64)
def _head(content_type: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + b"\r\n"


class FastResponse:
    """A 200 with a body, for any method but HEAD; has only what aiohttp's connection needs of a response."""

    __slots__ = ("_body", "_head", "_request", "keep_alive")

    status = 200

    def __init__(self, body: bytes, content_type: str, fields: tuple[tuple[str, str], ...] = ()) -> None:
        """`fields` are further header fields, equal for many responses."""
        self._body = body
        self._head = _head(content_type, fields)
        self._request: web.BaseRequest | None = None
        self.keep_alive: bool | None = None

    @classmethod
    def of(cls, body: bytes, content_type: str, fields: tuple[tuple[str, str], ...] = ()) -> web.StreamResponse:
        """Return a response with the type that handlers return."""
        return cast("web.StreamResponse", cls(body, content_type, fields))

    async def prepare(self, request: web.BaseRequest) -> None:
        """Remember the request."""
        self._request = request
        self.keep_alive = request.keep_alive

    async def write_eof(self) -> None:
        """Write the response; raises ConnectionResetError if the client has closed the connection."""
        request, self._request = self._request, None
        transport = None if request is None else request.transport
        if request is None or transport is None or transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        connection = b""
        if not self.keep_alive:
            connection = b"Connection: close\r\n"
        elif request.version != HttpVersion11:
            connection = b"Connection: keep-alive\r\n"
        transport.write(
            b"%bDate: %b\r\nContent-Length: %d\r\n%b\r\n%b"
            % (self._head, http_date(), len(self._body), connection, self._body)
        )
