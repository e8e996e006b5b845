"""The HTTP server of every port: logs one line about a malformed request, and sends no `Server` header.

aiohttp's own server answers a malformed request with its bytes and logs them with a traceback, though they may hold
a signature or a token, and sends its name and version in every response.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final, TypeAlias

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from wxbus.runtime import aiohttp_internals
from wxbus.runtime.log_limit import LogLimit

Handler: TypeAlias = Callable[[Any], Awaitable[web.StreamResponse]]
"""Answers a request of the server's `request_class`."""

LINE_LIMIT: Final = 8 * 1024
"""Bytes of a request line."""
FIELD_LIMIT: Final = 12 * 1024
"""Bytes of one header field; differs from `LINE_LIMIT`, because the limit distinguishes aiohttp's errors."""
FIELDS: Final = 64
"""Header fields of a request."""
BODY_LIMIT: Final = 1024 * 1024
KEEPALIVE: Final = 15.0
"""Seconds until an idle connection is closed; aiohttp's default is an hour (RabbitMQ and Redis reference 10)."""

UNKNOWN_CODING: Final = "the only supported Transfer-Encoding is chunked\n"
NOT_HTTP: Final = "not an HTTP request\n"
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
        """Return the response to a malformed request or after a failed handler."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        status, text = _refusal(exc)
        if isinstance(self.server, Server):
            self.server.log_refusal(status, type(exc).__name__, request.remote)
        response = web.Response(status=status, text=text)
        response.force_close()
        return response


class Server(aiohttp_internals.Server):
    """aiohttp's low-level server with connections of the class `Connection`."""

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
        """Create a server.

        Args:
            handler: Answers the requests.
            body_limit: Bytes of a body.
            request_factory: aiohttp's own, for applications.
            handler_cancellation: Cancels the handler of a request whose connection is lost.
            options: Arguments of `aiohttp.web.RequestHandler`.
        """

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
                return self._refuse_coding(request)
            return await handler(request)

        super().__init__(answer, request_factory=request_factory, handler_cancellation=handler_cancellation)
        self._log_limit: LogLimit[None] = LogLimit()
        self.body_limit = body_limit
        self.connection_options = {
            "access_log": None,  # the handlers log
            "keepalive_timeout": KEEPALIVE,
            "max_line_size": LINE_LIMIT,
            "max_field_size": FIELD_LIMIT,
            "max_headers": FIELDS,
            **options,
        }

    def log_refusal(self, status: int, reason: str, remote: str | None) -> None:
        """Log a malformed request, at a limited rate."""
        unlogged = self._log_limit.take(None)
        if unlogged is not None:
            log.info("http.refused", status=status, reason=reason, remote=remote, unlogged_refusals=unlogged)

    def _refuse_coding(self, request: web.BaseRequest) -> web.Response:
        self.log_refusal(501, "Transfer-Encoding", request.remote)
        response = web.Response(status=501, text=UNKNOWN_CODING)
        response.force_close()
        return response


class ApplicationRunner(aiohttp_internals.ApplicationRunner):
    """Runs an application on a `Server`."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(app, **options)
        app.on_response_prepare.append(_drop_server_header)

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
    return 400, NOT_HTTP


async def _drop_server_header(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)
