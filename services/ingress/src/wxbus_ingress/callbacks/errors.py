"""The one place where an error becomes an answer: a line of plain text, a log line with the reason, a count."""

import structlog
from aiohttp import web

from wxbus.errors import CallbackRejected, Forbidden, Overloaded, Unavailable
from wxbus_ingress.accounts.endpoints import Endpoints
from wxbus_ingress.callbacks.dispatch import Callbacks, place_of
from wxbus_ingress.http.server import Request
from wxbus_ingress.metrics import Metrics

UNAVAILABLE = "not accepted: the message queue is away, please send it again"
CROWDED = "not accepted: too much at once, please send it again"
FAILED = "not accepted: an error inside, please send it again"
NOWHERE = {
    404: "there is nothing here: callbacks go to /wechat/ACCOUNT",
    405: "callbacks are POST, URL verification is GET",
}

log = structlog.stdlib.get_logger(__name__)


class ErrorResponses:
    """Answers what `callbacks` refuses; what it does not know is answered 500 and logged with its trace."""

    def __init__(self, callbacks: Callbacks, endpoints: Endpoints, metrics: Metrics) -> None:
        self._callbacks = callbacks
        self._endpoints = endpoints
        self._metrics = metrics

    async def __call__(self, request: Request) -> web.StreamResponse:
        """Answer a request, whatever happens."""
        try:
            return await self._callbacks(request)
        except CallbackRejected as exc:
            reason = exc.reason if isinstance(exc, Forbidden) else str(exc)
            log.warning("callback.rejected", reason=reason, **_told(request, exc.status))
            return self._refusal(request, exc.status, " ".join(str(exc).split()), "rejected")
        except Unavailable as exc:
            log.warning("callback.unavailable", reason=str(exc), **_told(request, 503))
            return self._refusal(request, 503, CROWDED if isinstance(exc, Overloaded) else UNAVAILABLE, "unavailable")
        except web.HTTPException as exc:
            log.info("callback.rejected", reason=exc.reason, **_told(request, exc.status))
            response = self._refusal(request, exc.status, NOWHERE.get(exc.status, exc.reason), "rejected")
            if "Allow" in exc.headers:
                response.headers["Allow"] = exc.headers["Allow"]
            return response
        except Exception:
            log.exception("callback.failed", **_told(request, 500))
            return self._refusal(request, 500, FAILED, "failed")

    def _refusal(self, request: Request, status: int, text: str, outcome: str) -> web.Response:
        self._metrics.requests.labels(self._endpoints.label(place_of(request)), outcome).inc()
        return web.Response(status=status, text=text + "\n", headers={"X-Content-Type-Options": "nosniff"})


def _told(request: Request, status: int) -> dict[str, object]:
    return {
        "account": place_of(request)[:64],
        "status": status,
        "method": request.method[:16],
        "remote": request.remote,
    }
