"""The one place where an error becomes an answer: a line of plain text, a log line with the reason, a count."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from wxbus.errors import CallbackRejected, Forbidden, Unavailable
from wxbus_ingress.endpoints import Endpoints
from wxbus_ingress.metrics import Metrics

UNAVAILABLE = "not accepted: the message queue is away, please send it again"
FAILED = "not accepted: an error inside, please send it again"
NOWHERE = {
    404: "there is nothing here: callbacks go to /wechat/ACCOUNT",
    405: "callbacks are POST, URL verification is GET",
}

log = structlog.stdlib.get_logger(__name__)


def refusals(endpoints: Endpoints, metrics: Metrics) -> Middleware:
    """Return the middleware that answers errors; what it does not know is answered 500 and logged with its trace."""

    def refuse(request: web.Request, status: int, text: str, outcome: str) -> web.Response:
        name = request.match_info.get("account", "")
        metrics.requests.labels(name if name in endpoints else "", outcome).inc()
        response = web.Response(status=status, text=text + "\n", headers={"X-Content-Type-Options": "nosniff"})
        if status in {408, 413}:
            response.force_close()  # the rest of the body is not worth waiting for
        return response

    def told(request: web.Request, status: int) -> dict[str, object]:
        return {
            "account": request.match_info.get("account", "")[:64],
            "status": status,
            "method": request.method[:16],
            "remote": request.remote,
        }

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except CallbackRejected as exc:
            reason = exc.reason if isinstance(exc, Forbidden) else str(exc)
            log.warning("callback.rejected", reason=reason, **told(request, exc.status))
            return refuse(request, exc.status, " ".join(str(exc).split()), "rejected")
        except Unavailable as exc:
            log.warning("callback.unavailable", reason=str(exc), **told(request, 503))
            return refuse(request, 503, UNAVAILABLE, "unavailable")
        except web.HTTPException as exc:
            log.info("callback.rejected", reason=exc.reason, **told(request, exc.status))
            response = refuse(request, exc.status, NOWHERE.get(exc.status, exc.reason), "rejected")
            if "Allow" in exc.headers:
                response.headers["Allow"] = exc.headers["Allow"]
            return response
        except Exception:
            log.exception("callback.failed", **told(request, 500))
            return refuse(request, 500, FAILED, "failed")

    return middleware
