"""aiohttp's server as every port of ours has it: what is no HTTP gets one line, and nobody is told what we run.

aiohttp itself answers a request that it cannot parse with the bytes of it, logs them with a trace, though they may hold
a signature or a token, and names itself and its version in every answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final, TypeAlias

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader

from wxbus.aio.buckets import Buckets

Handler: TypeAlias = Callable[[Any], Awaitable[web.StreamResponse]]
"""Answers a request of the kind that the server makes."""

LINE_LIMIT: Final = 8 * 1024
"""Bytes of a request line."""
FIELD_LIMIT: Final = 12 * 1024
"""Bytes of one header field; another number than `LINE_LIMIT`, for by it we know which of them was exceeded."""
FIELDS: Final = 64
"""Header fields of a request."""
BODY_LIMIT: Final = 1024 * 1024
KEEPALIVE: Final = 15.0
"""Seconds that an idle connection stays; aiohttp's default is an hour (RabbitMQ and Redis reference 10)."""

LINES: Final = 50
"""Log lines about requests that are no HTTP, at once."""
LINES_PER_SECOND: Final = 5.0
"""How many there may be after that."""

UNKNOWN_CODING: Final = "the only Transfer-Encoding that is supported is chunked\n"
NO_HTTP: Final = "this is no HTTP request\n"
LONG_LINE: Final = f"the request line is over the limit of {LINE_LIMIT} bytes\n"
LONG_HEADER: Final = f"the header is over the limit of {FIELDS} fields or {FIELD_LIMIT} bytes in one of them\n"

log = structlog.stdlib.get_logger(__name__)


class Request(web.BaseRequest):
    """A request whose answer does not say what we run."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall("Server", None)


class Connection(web.RequestHandler):
    """A connection that refuses what it cannot parse without repeating it.

    It parses one request ahead, so that a request is served whatever is sent after it, and reads the body of the
    request that it serves to its end when the server stops.
    """

    def __init__(self, manager: web.Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        # aiohttp parses all that came at once, and drops the requests before bytes that are none.
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

    def data_received(self, data: bytes) -> None:
        """Take bytes; of a connection that is being closed, those of the body that is being read."""
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

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed, or whose handler failed."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        status, text = _refusal(exc)
        if isinstance(self._manager, Server):
            self._manager.note_refusal(status, type(exc).__name__, request.remote)
        response = web.Response(status=status, text=text)
        response.force_close()
        return response


class Server(web.Server):
    """aiohttp's low-level server with connections of ours; `options` are those of `aiohttp.web.RequestHandler`."""

    connection_class: ClassVar[type[Connection]] = Connection
    request_class: ClassVar[type[Request]] = Request

    def __init__(
        self,
        handler: Handler,
        *,
        body_limit: int = BODY_LIMIT,
        request_factory: Callable[..., web.BaseRequest] | None = None,
        handler_cancellation: bool = False,
        **options: Any,
    ) -> None:
        """`handler_cancellation`: cancel the handler of a request whose connection is lost."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
                return self._refuse_coding(request)
            return await handler(request)

        super().__init__(answer, request_factory=request_factory, handler_cancellation=handler_cancellation)
        self._lines: Buckets[str] = Buckets(LINES_PER_SECOND, LINES)
        self._left_out = 0
        self._body_limit = body_limit
        self._options: dict[str, Any] = {
            "access_log": None,  # what is worth a line is logged by those who answer
            "keepalive_timeout": KEEPALIVE,
            "max_line_size": LINE_LIMIT,
            "max_field_size": FIELD_LIMIT,
            "max_headers": FIELDS,
            **options,
        }

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return self.connection_class(self, loop=self._loop, **self._options)

    def note_refusal(self, status: int, reason: str, remote: str | None) -> None:
        """Log a request that is no HTTP; of too many at once only how many there were."""
        if self._lines.take(""):
            self._left_out += 1
            return
        log.info("http.refused", status=status, reason=reason, remote=remote, refusals_left_out=self._left_out)
        self._left_out = 0

    def prepare(self, request: Any) -> None:
        """Give a request that came in what those who answer it need beside it."""

    def _refuse_coding(self, request: web.BaseRequest) -> web.Response:
        self.note_refusal(501, "Transfer-Encoding", request.remote)
        response = web.Response(status=501, text=UNKNOWN_CODING)
        response.force_close()
        return response

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        if message.version not in (HttpVersion11, HttpVersion10):
            message = message._replace(version=HttpVersion10)  # else we would answer in HTTP/0.9 or HTTP/2.0
        request = self.request_class(
            message, payload, protocol, writer, task, self._loop, client_max_size=self._body_limit
        )
        self.prepare(request)
        return request


class ApplicationRunner(web.AppRunner):
    """Runs an application behind such a server."""

    def __init__(self, app: web.Application) -> None:
        super().__init__(app)
        app.on_response_prepare.append(_unnamed)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Server(made.request_handler, request_factory=made.request_factory)


def _refusal(exc: HttpProcessingError) -> tuple[int, str]:
    if isinstance(exc, LineTooLong):
        return (414, LONG_LINE) if exc.args[1] == LINE_LIMIT else (431, LONG_HEADER)
    if exc.message.startswith("Request has invalid `Transfer-Encoding`"):
        return 501, UNKNOWN_CODING
    if exc.message == "Too many headers received":
        return 431, LONG_HEADER
    return 400, NO_HTTP


async def _unnamed(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)
