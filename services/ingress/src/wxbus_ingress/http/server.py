"""The HTTP server below the callbacks: aiohttp's low-level one, which leaves routing and answers to us.

It knows when the first byte of a request came, because that is when WeChat's five seconds begin for us, and it bounds
what all senders together may take.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, cast

import structlog
from aiohttp import web

from wxbus.runtime import aiohttp_internals, http_server
from wxbus.runtime.sockets import BACKLOG
from wxbus_ingress.http.admission import SURPLUS, Admission
from wxbus_ingress.settings import Limits

HEADER_LIMIT = 32 * 1024
"""Bytes of a header that is not complete yet."""
LINGER = 2.0
"""Seconds in which the rest of a refused body is read, so that its sender sees the answer."""

log = structlog.stdlib.get_logger(__name__)


def _refusal(status: str, text: str, *fields: str) -> bytes:
    head = (f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(text)}", *fields)
    return "\r\n".join((*head, "Connection: close", "", text)).encode()


SLOW_HEADER = _refusal("408 Request Timeout", "the header did not arrive in time\n")
LONG_HEADER = _refusal("431 Request Header Fields Too Large", f"the header is over the limit of {HEADER_LIMIT} bytes\n")
TOO_MANY = _refusal(
    "503 Service Unavailable", "not accepted: too many connections, please send it again\n", "Retry-After: 5"
)


class Request(aiohttp_internals.Request):
    """A request with the loop's time of its first byte."""

    first_byte: float
    admission: Admission
    body_bytes = 0
    """What it counts for in `admission`."""

    def hold(self, size: int) -> None:
        """Let it count for `size` bytes from now until it is answered; raises Overloaded if that is too much."""
        self.admission.resize_body(self.body_bytes, size, self.remote)
        self.body_bytes = size


App: TypeAlias = Callable[[Request], Awaitable[web.StreamResponse]]
"""Answers a request; never raises, see `wxbus_ingress.callbacks.errors`."""


class Connection(http_server.Connection):
    """A connection that notes when the first byte of each request came, and does not wait for its header for ever."""

    __slots__ = ("_first_byte", "_header_bytes", "_header_timer", "_in_header", "_last_byte", "_server")

    _server: "Server"
    _first_byte: float | None
    _last_byte: float
    _in_header: bool
    _header_bytes: int
    _header_timer: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin without a request."""
        self._server = cast("Server", self.server)
        self._server.admission.connections += 1
        self._first_byte, self._in_header, self._header_bytes, self._header_timer = None, True, 0, None
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave."""
        self._server.admission.connections -= 1
        self._forget_header()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note the time if these are the first bytes of a request."""
        if data:  # aiohttp calls this without any, to go on with what it has
            self._last_byte = self.loop.time()
            if self._first_byte is None:
                self._first_byte = self._last_byte
        super().data_received(data)
        if self._in_header and self._first_byte is not None and not self.has_parsed_request:
            self._wait_for_header(self._first_byte, len(data))

    def take_first_byte(self) -> float:
        """Return the loop's time of the first byte of the request that begins now."""
        self._in_header = False
        self._forget_header()
        return self.loop.time() if self._first_byte is None else self._first_byte

    def forget_first_byte(self) -> None:
        """The request is answered: what comes now belongs to the next one, which may be here already."""
        self._in_header = True
        self._first_byte = self._last_byte if self.has_parsed_request else None

    def _wait_for_header(self, since: float, more: int) -> None:
        self._header_bytes += more
        if self._header_bytes > HEADER_LIMIT:
            self._refuse(LONG_HEADER)
        elif self._header_timer is None:
            self._header_timer = self.loop.call_at(since + self._server.header_timeout, self._refuse, SLOW_HEADER)

    def _forget_header(self) -> None:
        self._header_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, answer: bytes) -> None:
        self._forget_header()
        if self.transport is not None:
            log.info("http.refused", status=int(answer[9:12]), remote=self.remote)
            self.close()  # what still comes is dropped, and our side closed: a reset would take the answer along
            self.transport.write(answer)
            self.transport.write_eof()
            self.loop.call_later(LINGER, self.transport.abort)


class Surplus(asyncio.Protocol):
    """A connection above the limit: told so when it has asked, and closed."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait a little for what it asks: who is answered before that may not see the answer."""
        self._admission.surplus += 1
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(LINGER, self._transport.abort)
        if self._admission.surplus > SURPLUS:
            self._transport.abort()

    def data_received(self, _data: bytes) -> None:
        """Say that there are too many."""
        self._transport.write(TOO_MANY)
        self._transport.close()

    def connection_lost(self, _exc: BaseException | None) -> None:
        """Leave."""
        self._admission.surplus -= 1
        self._timer.cancel()


class Server(http_server.Server):
    """Answers requests with an `App`, as many as `Admission` admits."""

    connection_class = Connection
    request_class = Request

    def __init__(self, app: App, limits: Limits, admission: Admission) -> None:
        async def answer(request: Request) -> web.StreamResponse:
            try:
                response = await app(request)
            finally:
                request.hold(0)
            if request.content.is_eof():
                cast("Connection", request.protocol).forget_first_byte()
            else:
                response.force_close()  # the rest of the body is not worth waiting for
            return response

        super().__init__(
            answer,
            body_limit=limits.body_limit,
            lingering_time=LINGER,
            auto_decompress=False,  # WeChat does not compress, and what is not unpacked cannot explode
        )
        self.admission = admission
        self.header_timeout = limits.body_timeout

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        if self.admission.takes_connection():
            return super().__call__()
        return cast("web.RequestHandler", Surplus(self.admission))  # aiohttp's annotation asks for more than is needed

    def prepare(self, request: Request) -> None:
        """Tell the request when it began, and what it counts in."""
        request.admission = self.admission
        request.first_byte = cast("Connection", request.protocol).take_first_byte()


@asynccontextmanager
async def serving(server: Server, listener: socket.socket, *, grace: float) -> AsyncIterator[int]:
    """Serve on a socket that listens while the block runs; yields its port.

    At the end no new connection is taken, and requests in flight get `grace` seconds.
    """
    runner = web.ServerRunner(server, shutdown_timeout=grace)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        yield int(listener.getsockname()[1])
    finally:
        await runner.cleanup()
