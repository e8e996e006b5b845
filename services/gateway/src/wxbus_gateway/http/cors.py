"""CORS (Fetch standard 3.2) for your own web pages; Mini Programs need none, and other origins get nothing."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import hdrs, web

from wxbus.runtime.direct_request import AnyRequest
from wxbus_gateway.http.envelope import HEADER as SESSION
from wxbus_gateway.services.idempotency import HEADER as IDEMPOTENCY_KEY

MAX_AGE: Final = 600
"""Seconds for which a browser keeps the answer to a preflight request."""
PREFLIGHT: Final[Mapping[str, str]] = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: f"{hdrs.AUTHORIZATION}, {hdrs.CONTENT_TYPE}, {IDEMPOTENCY_KEY}",
    hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE),
}
EXPOSED: Final[Mapping[str, str]] = {
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: ", ".join(
        [
            *(hdrs.WWW_AUTHENTICATE, hdrs.RETRY_AFTER, SESSION),
            *(f"{SESSION}-{field}" for field in ("Expires-In", "Profile", "Phone", "Data", "Uid")),
        ]
    )
}


class Cors:
    """Lets pages of these origins read answers. They send the session token themselves: there are no cookies."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)

    @property
    def enabled(self) -> bool:
        """Whether any origin is allowed."""
        return bool(self._origins)

    def preflight(self, request: AnyRequest) -> web.Response | None:
        """Return the answer to a preflight request of an allowed origin, None for other requests."""
        if request.method != hdrs.METH_OPTIONS or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
            return None
        headers = self._headers(request, PREFLIGHT)
        return web.Response(status=204, headers=headers) if headers else None

    def allow(self, request: AnyRequest, response: web.StreamResponse) -> None:
        """Let pages of allowed origins read the response."""
        if self.enabled and not response.prepared:
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)
            response.headers.update(self._headers(request, EXPOSED))

    def _headers(self, request: AnyRequest, more: Mapping[str, str]) -> Mapping[str, str]:
        origin = request.headers.get(hdrs.ORIGIN, "")
        if origin not in self._origins:
            return {}
        return {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin, **more}
