"""Reads the usual callback request at a third of the cost of aiohttp's server, with the same result (decision 0056).

Usual is a POST that arrives whole, in one piece, on a connection that had no other requests than such ones.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from multidict import CIMultiDict

from wxbus.runtime.fast_response import encode
from wxbus.runtime.http_server import FIELDS
from wxbus_ingress.http.admission import Admission

MAX_HEAD: Final = 8 * 1024
"""Bytes before the body; below each of aiohttp's limits."""

# The target has no escapes and no "+", so path and query mean what they say.
_HEAD: Final = re.compile(
    rb"POST (/[A-Za-z0-9/_.~:@!$&'()*,;=-]*+)(?:\?([A-Za-z0-9/_.~:@!$&'()*,;=?-]*+))? HTTP/1\.([01])\r\n"
    rb"((?:[A-Za-z0-9_-]++:[\t -~]*+\r\n)++)\r\n"
)
_UNUSUAL: Final = ("Transfer-Encoding", "Expect", "Upgrade", "Content-Encoding")
"""Fields that change how a body is read."""
_CONNECTION: Final = ("", "close", "keep-alive")


class DirectRequest:
    """A request that was read here; implements `wxbus_ingress.http.request.Request`."""

    __slots__ = (
        "_admission",
        "_body",
        "_body_bytes",
        "first_byte",
        "headers",
        "is_answered",
        "keep_alive",
        "path",
        "protocol",
        "raw_query",
        "remote",
        "version",
    )

    method = "POST"

    def __init__(
        self,
        path: str,
        raw_query: str,
        version: HttpVersion,
        headers: CIMultiDict[str],
        body: bytes,
        *,
        keep_alive: bool,
    ) -> None:
        """Use `read_direct`."""
        self.path = path
        self.raw_query = raw_query
        self.version = version
        self.headers = headers
        self.keep_alive = keep_alive
        """Whether the connection stays open after the response."""
        self.is_answered = False
        """Whether a response was written."""
        self._body = body
        self._body_bytes = 0

    def arrive(
        self, protocol: web.RequestHandler, admission: Admission, *, first_byte: float, remote: str | None
    ) -> None:
        """Set the connection, the limits, the loop's time of the first byte, and the address of the sender."""
        self.protocol = protocol
        self._admission = admission
        self.first_byte = first_byte
        self.remote = remote

    @property
    def query(self) -> Mapping[str, str]:
        """Return the parameters; the first one of equal names, as aiohttp does."""
        return dict(reversed(parse_qsl(self.raw_query, keep_blank_values=True)))

    @property
    def transport(self) -> asyncio.Transport | None:
        """Return the transport; None after the connection is lost."""
        return self.protocol.transport

    @property
    def content_length(self) -> int:
        """Return the bytes of the body."""
        return len(self._body)

    def arrived(self) -> bytes:
        """Return the body."""
        return self._body

    async def receive(self) -> bytes:
        """Return the body."""
        return self._body

    def count_body(self, size: int) -> None:
        """Count `size` bytes for the body from now on; raises Overloaded if the limit is exceeded."""
        self._admission.resize_body(self._body_bytes, size, self.remote)
        self._body_bytes = size

    async def write(self, response: web.StreamResponse) -> bool:
        """Write the response, once; return whether the connection was open."""
        transport = self.transport
        if transport is None or transport.is_closing() or self.is_answered:
            return False
        self.is_answered = True
        transport.write(encode(response, keep_alive=self.keep_alive, version=self.version))
        return True


def read_direct(data: bytes) -> DirectRequest | None:
    """Return the request in `data`; None unless it is a usual one, and whole."""
    found = _HEAD.match(data, 0, MAX_HEAD)
    if found is None:
        return None
    path, query, minor, fields = found.groups()
    lines = fields.decode("ascii").split("\r\n")
    lines.pop()
    pairs = [line.partition(":") for line in lines]
    if len({name.lower() for name, _, _ in pairs}) < len(pairs) or len(pairs) > FIELDS:
        return None
    headers = CIMultiDict([(name, value.strip(" \t")) for name, _, value in pairs])
    connection = headers.get("Connection", "").lower()
    if (
        headers.get("Content-Length") != str(len(data) - found.end())
        or "Host" not in headers
        or connection not in _CONNECTION
        or any(name in headers for name in _UNUSUAL)
    ):
        return None
    is_new = minor == b"1"
    return DirectRequest(
        path.decode("ascii"),
        (query or b"").decode("ascii"),
        HttpVersion11 if is_new else HttpVersion10,
        headers,
        data[found.end() :],
        keep_alive=connection != "close" if is_new else connection == "keep-alive",
    )
