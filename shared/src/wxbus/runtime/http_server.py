"""aiohttp's server as every port of ours has it: what is no HTTP gets one line, and nobody is told what we run.

aiohttp itself answers a request that it cannot parse with the bytes of it, logs them with a trace, though they may hold
a signature or a token, and names itself and its version in every answer.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final, TypeAlias

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from wxbus.aio.buckets import Buckets
from wxbus.runtime import aiohttp_internals

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


class Connection(aiohttp_internals.Connection):
    """A connection that refuses malformed requests without repeating their bytes."""

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
        if isinstance(self.server, Server):
            self.server.note_refusal(status, type(exc).__name__, request.remote)
        response = web.Response(status=status, text=text)
        response.force_close()
        return response


class Server(aiohttp_internals.Server):
    """aiohttp's low-level server with these connections; `options` are those of `aiohttp.web.RequestHandler`."""

    connection_class: ClassVar[type[aiohttp_internals.Connection]] = Connection

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
        self.body_limit = body_limit
        self.connection_options = {
            "access_log": None,  # what is worth a line is logged by those who answer
            "keepalive_timeout": KEEPALIVE,
            "max_line_size": LINE_LIMIT,
            "max_field_size": FIELD_LIMIT,
            "max_headers": FIELDS,
            **options,
        }

    def note_refusal(self, status: int, reason: str, remote: str | None) -> None:
        """Log a request that is no HTTP; of too many at once only how many there were."""
        if self._lines.take(""):
            self._left_out += 1
            return
        log.info("http.refused", status=status, reason=reason, remote=remote, unlogged_refusals=self._left_out)
        self._left_out = 0

    def _refuse_coding(self, request: web.BaseRequest) -> web.Response:
        self.note_refusal(501, "Transfer-Encoding", request.remote)
        response = web.Response(status=501, text=UNKNOWN_CODING)
        response.force_close()
        return response


class ApplicationRunner(aiohttp_internals.ApplicationRunner):
    """Runs an application behind such a server."""

    def __init__(self, app: web.Application) -> None:
        super().__init__(app)
        app.on_response_prepare.append(_unnamed)

    def wrap_server(self, server: web.Server) -> web.Server:
        """Return a server with the same handler."""
        return Server(server.request_handler, request_factory=server.request_factory)


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
