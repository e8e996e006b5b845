"""A server that reads usual requests itself, in front of aiohttp's parser (decision 0056)."""

import asyncio
from typing import Any, ClassVar, Final, cast

import structlog
from aiohttp import web

from wxbus.runtime import http_server
from wxbus.runtime.aiohttp_internals import Connection
from wxbus.runtime.direct_request import DirectRequest, read_direct
from wxbus.runtime.http_server import Handler

FAILED: Final = "500 Internal Server Error\n"

log = structlog.stdlib.get_logger(__name__)


class DirectConnection(http_server.Connection):
    """A connection that serves usual requests itself.

    From the first other request on, aiohttp serves all requests, because its parser may hold a part of the next one.
    """

    __slots__ = ("_direct_server", "_is_direct", "_task", "_waiting", "last_byte")

    last_byte: float
    """The loop's time at which bytes arrived last."""
    _direct_server: "DirectServer"
    _is_direct: bool
    """Whether aiohttp has received no bytes yet."""
    _task: "asyncio.Task[None] | None"
    """Serves the current usual request."""
    _waiting: bytes
    """Bytes that arrived after this request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a usual request."""
        self._direct_server = cast("DirectServer", self.server)
        self._is_direct, self._task, self._waiting = True, None, b""
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel the current usual request if `handler_cancellation` is set."""
        if self._task is not None and self._direct_server.handler_cancellation:
            self._task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Serve a usual request; pass other bytes to aiohttp."""
        if not data:  # aiohttp calls this to continue parsing
            super().data_received(data)
            return
        self.last_byte = self.loop.time()
        self._receive(data)

    def parse(self, data: bytes) -> None:
        """Pass bytes to aiohttp; subclasses extend it."""
        super().data_received(data)

    def _receive(self, data: bytes) -> None:
        if not self._is_direct or not self._take(data):
            self.parse(data)

    def _take(self, data: bytes) -> bool:
        """Serve a usual request, or keep bytes that arrive during one; return False if aiohttp must parse the bytes."""
        if self._task is not None:
            self._waiting += data
            if self.transport is not None:
                self.transport.pause_reading()
            return True
        server = self._direct_server
        request = None if self.is_closing else read_direct(data, server.direct_class)
        if request is None:
            self._is_direct = False
            return False
        request.protocol, request.client_max_size = self, server.body_limit
        request.first_byte, request.remote = self.last_byte, self.peer_address
        server.prepare_direct(request)
        self.occupy()
        self._task = self.loop.create_task(self._answer(request))
        server.direct_requests.add(self._task)
        return True

    async def _answer(self, request: DirectRequest) -> None:
        try:
            try:
                response = await self._direct_server.direct_handler(request)
            except Exception:
                log.exception("http.failed")
                response, request.keep_alive = web.Response(status=500, text=FAILED), False
            await request.write(response)
        finally:
            if self._task is not None:
                self._direct_server.direct_requests.discard(
                    self._task
                )  # a callback would cost an iteration of the loop
                self._task = None
            self.release()
            self._continue(keep_alive=request.is_answered and request.keep_alive and not self.is_closing)

    def _continue(self, *, keep_alive: bool) -> None:
        """Read the bytes that arrived during a request, or close the connection."""
        transport, data, self._waiting = self.transport, self._waiting, b""
        if transport is None:
            return
        if not keep_alive or self.writing_paused:  # paused: the client does not read its responses
            transport.close()
        elif data:
            transport.resume_reading()
            self._receive(data)


class DirectServer(http_server.Server):
    """A server that reads usual requests itself, as `DirectRequest`s; aiohttp reads the others."""

    connection_class: ClassVar[type[Connection]] = DirectConnection
    direct_class: ClassVar[type[DirectRequest]] = DirectRequest

    def __init__(self, handler: Handler, *, direct_handler: Handler | None = None, **options: Any) -> None:
        """Create a server.

        Args:
            handler: Answers the requests that aiohttp reads.
            direct_handler: Answers usual requests; None: `handler`.
            options: Arguments of `http_server.Server`.
        """
        super().__init__(handler, **options)
        self.direct_handler = direct_handler or handler
        self.direct_requests: set[asyncio.Task[None]] = set()
        """Usual requests in progress; aiohttp no longer knows those whose connection is lost."""

    def prepare_direct(self, request: Any) -> None:
        """Complete a request before the handler is called; subclasses override it."""

    async def shutdown(self, timeout: float | None = None) -> None:
        """Wait up to `timeout` seconds for the requests in progress, then cancel them."""
        requests = tuple(self.direct_requests)
        ended = asyncio.gather(*requests, return_exceptions=True)
        await asyncio.gather(super().shutdown(timeout), asyncio.wait({ended}, timeout=timeout))
        for request in requests:
            request.cancel()
        await ended
