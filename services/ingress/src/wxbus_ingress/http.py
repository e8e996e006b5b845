"""The HTTP server below the callbacks: aiohttp's low-level one, which leaves routing and answers to us.

It knows one thing more than aiohttp's own: when the first byte of a request came, because that is when WeChat's five
seconds begin for us, not when the header was complete.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

KEEPALIVE = 15.0
"""Seconds; the only limit on idle connections and slow headers, 3,630 by default (broker notes 10)."""
LINGER = 2.0
"""Seconds in which the rest of a refused body is read, so that its sender sees the answer."""
BACKLOG = 1024
NO_HTTP = "this is no HTTP request\n"


class Connection(web.RequestHandler):
    """A connection that notes when the first byte of each request came."""

    __slots__ = ("_first_byte",)

    _first_byte: float | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin without a request."""
        self._first_byte = None
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Note the time if these are the first bytes of a request."""
        if self._first_byte is None:
            self._first_byte = self._loop.time()
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP in one line of ours: aiohttp's own would repeat the bytes."""
        return super().handle_error(request, status, exc, NO_HTTP if message is not None else None)

    def take_first_byte(self) -> float:
        """Return the loop's time of the first byte of the request that begins now."""
        return self._loop.time() if self._first_byte is None else self._first_byte

    def forget_first_byte(self) -> None:
        """The request is answered: what comes now belongs to the next one."""
        self._first_byte = None


class Request(web.BaseRequest):
    """A request with the loop's time of its first byte."""

    first_byte: float


App: TypeAlias = Callable[[Request], Awaitable[web.StreamResponse]]
"""Answers a request; never raises, see `wxbus_ingress.refusals`."""


class Server(web.Server):
    """Answers requests with an `App`."""

    def __init__(self, app: App, *, body_limit: int) -> None:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await app(cast("Request", request))
            finally:
                cast("Connection", request.protocol).forget_first_byte()

        super().__init__(answer, request_factory=self._request)
        self._body_limit = body_limit
        self._log = _server_log()

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(
            self,
            loop=self._loop,
            access_log=cast("logging.Logger", None),  # none: aiohttp takes it, its annotation does not say so
            keepalive_timeout=KEEPALIVE,
            lingering_time=LINGER,
            auto_decompress=False,  # WeChat does not compress, and what is not unpacked cannot explode
            logger=self._log,
        )

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> Request:
        request = Request(message, payload, protocol, writer, task, self._loop, client_max_size=self._body_limit)
        request.first_byte = cast("Connection", protocol).take_first_byte()
        return request


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens (`port=0` takes a free port); raises OSError if it cannot."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG)


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


class _WithoutBytes(logging.Filter):
    """Logs what is not HTTP in one line: aiohttp's own has a trace and the bytes, which may hold a signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        exc = record.exc_info[1] if record.exc_info else None
        if isinstance(exc, HttpProcessingError):
            record.msg, record.args = f"{record.getMessage()}: {type(exc).__name__}", ()
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def _server_log() -> logging.Logger:
    server_log = logging.getLogger("wxbus_ingress.http")
    if not server_log.filters:
        server_log.addFilter(_WithoutBytes())
    return server_log
