"""Turns an error into a response: one line of plain text, a log event with the reason, an outcome for the metrics."""

from typing import NamedTuple

import structlog
from aiohttp import web

from wxbus.errors import CallbackRejected, Forbidden, Overloaded, Unavailable
from wxbus_ingress.http.server import Request

UNAVAILABLE = "not accepted: the message queue is unavailable, please send it again"
OVERLOADED = "not accepted: too many requests, please send it again"
FAILED = "not accepted: internal error, please send it again"
HTTP_ERRORS = {
    404: "not found: callbacks go to /wechat/ACCOUNT",
    405: "callbacks are POST, URL verification is GET",
}

log = structlog.stdlib.get_logger(__name__)


class ErrorResponse(NamedTuple):
    """A response and its outcome."""

    response: web.Response
    outcome: str


def error_response(exc: Exception, request: Request, path: str) -> ErrorResponse:
    """Return the response to an error, and log it; an unknown error is 500 and logged with its traceback.

    Args:
        exc: The error.
        request: The request that failed.
        path: Its path below `/wechat/`.
    """
    fields = {"account": path[:64], "method": request.method[:16], "remote": request.remote}
    match exc:
        case CallbackRejected():
            reason = exc.reason if isinstance(exc, Forbidden) else str(exc)
            log.warning("callback.rejected", reason=reason, status=exc.status, **fields)
            return ErrorResponse(_response(exc.status, " ".join(str(exc).split())), "rejected")
        case Unavailable():
            log.warning("callback.unavailable", reason=str(exc), status=503, **fields)
            return ErrorResponse(
                _response(503, OVERLOADED if isinstance(exc, Overloaded) else UNAVAILABLE), "unavailable"
            )
        case web.HTTPException():
            log.info("callback.rejected", reason=exc.reason, status=exc.status, **fields)
            response = _response(exc.status, HTTP_ERRORS.get(exc.status, exc.reason))
            if "Allow" in exc.headers:
                response.headers["Allow"] = exc.headers["Allow"]
            return ErrorResponse(response, "rejected")
        case _:
            log.error("callback.failed", status=500, exc_info=exc, **fields)
            return ErrorResponse(_response(500, FAILED), "failed")


def _response(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n", headers={"X-Content-Type-Options": "nosniff"})
