"""All private and undocumented parts of aiohttp that wxbus uses; other modules use only the names defined here.

`shared/pyproject.toml` pins aiohttp to the minor version `VERSION`. `tests/contract/test_aiohttp_internals.py` checks
that the names in `NAMES` exist, so an upgrade that removes one fails there.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader

VERSION: Final = "3.14"
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "RequestHandler": (
        "_close",
        "_current_request",
        "_force_close",
        "_handler_waiter",
        "_keepalive_timeout",
        "_loop",
        "_manager",
        "_max_msg_queue_size",
        "_messages",
        "_msg_queue_resume_size",
        "_next_keepalive_close_time",
        "_parser",
        "_process_keepalive",
        "_read_bufsize",
        "_request_in_progress",
        "max_field_size",
        "max_headers",
        "max_line_size",
        "peername",
    ),
    "BaseRequest": ("_prepare_hook", "writer"),
    "Server": ("_loop", "_make_request", "request_factory", "request_handler"),
    "AppRunner": ("_make_server",),
    "StreamWriter": ("output_size",),
}
"""Attributes by class."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


def http_date() -> bytes:
    """Return the value of a `Date` header, formatted once a second."""
    return rfc822_formatted_time().encode()


class Request(web.BaseRequest):
    """A request whose response has no `Server` header."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall("Server", None)

    async def send_continue(self) -> None:
        """Send `100 Continue`."""
        await self.writer.write(CONTINUE)
        self.writer.output_size = 0  # aiohttp takes any other value for a response that has begun


class Connection(web.RequestHandler):
    """A connection that parses one request ahead.

    Requests before malformed bytes are served, and the body of the current request is read to its end when the server
    stops.
    """

    def __init__(self, manager: web.Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        # By default aiohttp parses everything that it received, and drops the requests before malformed bytes.
        self._max_msg_queue_size, self._msg_queue_resume_size = 1, 0
        self._parser = HttpRequestParser(
            self,
            loop,
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=options.get("auto_decompress", True),
            max_msg_queue_size=1,
        )

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop."""
        return self._loop

    @property
    def server(self) -> web.Server | None:
        """Return the server; None after the connection is lost."""
        return self._manager

    @property
    def has_parsed_request(self) -> bool:
        """Return whether a request is parsed and not served yet."""
        return bool(self._messages)

    @property
    def peer_address(self) -> str | None:
        """Return the peer's address."""
        return self.peername[0] if self.peername else None

    @property
    def is_closing(self) -> bool:
        """Return whether no further request is served."""
        return self._close or self._force_close

    def occupy(self) -> None:
        """Begin a request that aiohttp does not see: a stop and the time-out of idle connections wait for its end."""
        self._request_in_progress = True

    def release(self) -> None:
        """End that request."""
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        self._keep_alive_from_now()

    def _keep_alive_from_now(self) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    def _process_keepalive(self) -> None:
        if self._request_in_progress:
            self._keep_alive_from_now()
        super()._process_keepalive()

    def data_received(self, data: bytes) -> None:
        """Parse `data`; a connection that is being closed parses the rest of the body that is being read."""
        closing = (self._close, self._force_close)
        if any(closing) and self._reads_body:
            self._close = self._force_close = False
            super().data_received(data)
            self._close, self._force_close = closing
        else:
            super().data_received(data)

    @property
    def _reads_body(self) -> bool:
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        return not all(body.is_eof() for body in bodies)


class Server(web.Server):
    """A server whose connections are `connection_class` and whose requests are `request_class`."""

    connection_class: ClassVar[type[Connection]] = Connection
    request_class: ClassVar[type[Request]] = Request

    body_limit: int
    connection_options: Mapping[str, Any]
    """Arguments of `aiohttp.web.RequestHandler`."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return self.connection_class(self, loop=self._loop, **self.connection_options)

    def prepare(self, request: Any) -> None:
        """Complete a request before its handler is called; subclasses override it."""

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        if message.version not in (HttpVersion11, HttpVersion10):
            message = message._replace(version=HttpVersion10)  # the response would be HTTP/0.9 or HTTP/2.0
        request = self.request_class(
            message, payload, protocol, writer, task, self._loop, client_max_size=self.body_limit
        )
        self.prepare(request)
        return request


class ApplicationRunner(web.AppRunner):
    """Runs an application; subclasses replace the server."""

    async def _make_server(self) -> web.Server:
        return self.wrap_server(await super()._make_server())

    def wrap_server(self, server: web.Server) -> web.Server:
        """Return the server to use instead of aiohttp's own."""
        return server
