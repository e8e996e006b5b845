"""The HTTP server of the public port: aiohttp's low-level server without routing.

It records when the first byte of a request arrived, because WeChat's timeout of five seconds starts there, and limits
the connections of all senders together.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web

from wxbus.runtime import aiohttp_internals
from wxbus.runtime.direct_request import DirectRequest
from wxbus.runtime.direct_server import DirectServer
from wxbus.runtime.sockets import BACKLOG
from wxbus_ingress.http.admission import Admission
from wxbus_ingress.http.connection import LINGER, Connection, RefusedConnection
from wxbus_ingress.http.request import App
from wxbus_ingress.settings import Limits


class WholeRequest(DirectRequest):
    """A request read without aiohttp, with its whole body; implements `wxbus_ingress.http.request.Request`."""

    admission: Admission
    _body_bytes = 0

    @property
    def content_length(self) -> int:
        """Return the bytes of the body."""
        return len(self.body)

    def arrived(self) -> bytes:
        """Return the body."""
        return self.body

    async def receive(self) -> bytes:
        """Return the body."""
        return self.body

    def count_body(self, size: int) -> None:
        """Count `size` bytes for the body from now on; raises Overloaded if the limit is exceeded."""
        self.admission.resize_body(self._body_bytes, size, self.remote)
        self._body_bytes = size


class StreamedRequest(aiohttp_internals.Request):
    """A request that aiohttp has parsed; implements `wxbus_ingress.http.request.Request`."""

    first_byte: float
    admission: Admission
    body_bytes = 0
    """Bytes that `admission` counts for it."""

    @property
    def raw_query(self) -> str:
        """Return the query, with escapes."""
        return self.rel_url.raw_query_string

    def arrived(self) -> bytes | None:
        """Return the body if it has arrived, None otherwise."""
        return self.content.read_nowait() if self.content.is_eof() else None

    async def receive(self) -> bytes:
        """Return the body once it has arrived; sends `100 Continue` first if the sender waits for it."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            await self.send_continue()
        return await self.read()

    def count_body(self, size: int) -> None:
        """Count `size` bytes for the body from now on; raises Overloaded if the limit is exceeded."""
        self.admission.resize_body(self.body_bytes, size, self.remote)
        self.body_bytes = size

    async def write(self, response: web.StreamResponse) -> bool:
        """Write the response; return whether the connection was open until its end."""
        if self.transport is None or self.transport.is_closing():
            return False
        try:
            await response.prepare(self)
            await response.write_eof()
        except ConnectionError:
            return False
        return True


class Server(DirectServer):
    """Serves an `App` within the limits of `Admission`."""

    connection_class = Connection
    request_class = StreamedRequest
    direct_class = WholeRequest

    def __init__(self, app: App, limits: Limits, admission: Admission) -> None:
        async def answer(request: StreamedRequest) -> web.StreamResponse:
            try:
                response = await app(request)
            finally:
                request.count_body(0)
            if request.content.is_eof():
                cast("Connection", request.protocol).end_request()
            else:
                response.force_close()  # do not wait for the rest of the body
            return response

        async def answer_whole(request: WholeRequest) -> web.StreamResponse:
            try:
                return await app(request)
            finally:
                request.count_body(0)

        super().__init__(
            answer,
            direct_handler=answer_whole,
            body_limit=limits.body_limit,
            lingering_time=LINGER,
            auto_decompress=False,  # WeChat does not compress; a compressed body could expand without limit
        )
        self.admission = admission
        self.header_timeout = limits.body_timeout

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        if self.admission.admits_connection():
            return super().__call__()
        return cast("web.RequestHandler", RefusedConnection(self.admission))  # asyncio only needs a Protocol

    def prepare(self, request: StreamedRequest) -> None:
        """Set the first byte and the admission of a request."""
        request.admission = self.admission
        request.first_byte = cast("Connection", request.protocol).begin_request()

    def prepare_direct(self, request: WholeRequest) -> None:
        """Set the admission of a request."""
        request.admission = self.admission


@asynccontextmanager
async def serving(server: Server, listener: socket.socket, *, grace: float) -> AsyncIterator[int]:
    """Serve on a listening socket during the block; yields its port.

    The end of the block closes the socket and waits up to `grace` seconds for requests in flight.
    """
    runner = web.ServerRunner(server, shutdown_timeout=grace)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        yield int(listener.getsockname()[1])
    finally:
        await runner.cleanup()
