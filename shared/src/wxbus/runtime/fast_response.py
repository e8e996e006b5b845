"""A small response for hot paths, written in one piece.

aiohttp's `web.Response` builds a dictionary of headers, calls hooks and writes head and body through several
coroutines: for a small response that costs as much as the rest of the request.
"""

from functools import lru_cache
from typing import Final, cast

from aiohttp import HttpVersion, HttpVersion11, web

from wxbus.runtime.aiohttp_internals import http_date

_SET_HERE: Final = ("Content-Length", "Connection", "Date", "Server")
"""Fields that are written for every response."""


@lru_cache(maxsize=64)
def _head(content_type: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    lines = ["200 OK", f"Content-Type: {content_type}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + b"\r\n"


class FastResponse:
    """A 200 with a body, for any method but HEAD; it has only the attributes that aiohttp's connection uses."""

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
        transport.write(self.encode(keep_alive=bool(self.keep_alive), version=request.version))

    def encode(self, *, keep_alive: bool, version: HttpVersion) -> bytes:
        """Return the bytes of the response to a request of this version."""
        return _whole(self._head, self._body, keep_alive=keep_alive, version=version)


def encode(response: "web.StreamResponse | FastResponse", *, keep_alive: bool, version: HttpVersion) -> bytes:
    """Return the bytes of a response whose body is complete, for any method but HEAD.

    Raises:
        TypeError: Its body is a stream.
    """
    if isinstance(response, FastResponse):
        return response.encode(keep_alive=keep_alive, version=version)
    body = getattr(response, "body", None) or b""
    if not isinstance(body, bytes):
        raise TypeError(f"a body of {type(body).__name__}")
    lines = [f"{response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items() if name not in _SET_HERE]
    head = "\r\n".join(lines).encode() + b"\r\n"
    return _whole(head, body, keep_alive=keep_alive, version=version)


def _whole(head: bytes, body: bytes, *, keep_alive: bool, version: HttpVersion) -> bytes:
    connection = b""
    if keep_alive != (version == HttpVersion11):  # not the default of the version
        connection = b"Connection: keep-alive\r\n" if keep_alive else b"Connection: close\r\n"
    head = b"HTTP/%d.%d %b" % (*version, head)
    return b"%bDate: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (head, http_date(), len(body), connection, body)
