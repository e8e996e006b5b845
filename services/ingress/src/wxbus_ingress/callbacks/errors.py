"""Turns an error into a response: one line of plain text, a log event with the reason, an outcome for the metrics."""

import logging
from functools import partial
from typing import Any, NamedTuple

import structlog
from aiohttp import web

from wxbus.errors import CallbackRejected, Forbidden, Overloaded, Unavailable
from wxbus.runtime.log_limit import LogLimit
from wxbus_ingress.http.request import Request

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


class ErrorResponses:
    """Turns errors into responses, and logs them at a limited rate: anybody can send requests that fail."""

    def __init__(self) -> None:
        self._log_limit: LogLimit[str] = LogLimit()

    def of(self, exc: Exception, request: Request, path: str) -> ErrorResponse:
        """Return the response to an error; an unknown error is 500 and logged with its traceback.

        Args:
            exc: The error.
            request: The request that failed.
            path: Its path below `/wechat/`.
        """
        write = partial(self._write, account=path[:64], method=request.method[:16], remote=request.remote)
        match exc:
            case CallbackRejected():
                reason = exc.reason if isinstance(exc, Forbidden) else str(exc)
                write(logging.WARNING, "callback.rejected", reason=reason, status=exc.status)
                return ErrorResponse(_response(exc.status, " ".join(str(exc).split())), "rejected")
            case Unavailable():
                write(logging.WARNING, "callback.unavailable", reason=str(exc), status=503)
                text = OVERLOADED if isinstance(exc, Overloaded) else UNAVAILABLE
                return ErrorResponse(_response(503, text), "unavailable")
            case web.HTTPException():
                write(logging.INFO, "callback.rejected", reason=exc.reason, status=exc.status)
                response = _response(exc.status, HTTP_ERRORS.get(exc.status, exc.reason))
                if "Allow" in exc.headers:
                    response.headers["Allow"] = exc.headers["Allow"]
                return ErrorResponse(response, "rejected")
            case _:
                write(logging.ERROR, "callback.failed", status=500, exc_info=exc)
                return ErrorResponse(_response(500, FAILED), "failed")

    def _write(self, level: int, event: str, **fields: Any) -> None:
        unlogged = self._log_limit.take(event)
        if unlogged is None:
            return
        if unlogged:
            fields["unlogged_refusals"] = unlogged
        log.log(level, event, **fields)


def _response(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n", headers={"X-Content-Type-Options": "nosniff"})
