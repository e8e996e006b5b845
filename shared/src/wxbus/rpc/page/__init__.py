"""A page to read the OpenAPI document and try the methods: our own, nothing of it comes from elsewhere."""

import json
from importlib.resources import files
from typing import Any, Final

from aiohttp import web

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
PARTS: Final = {
    "/docs": ("page.html", "text/html"),
    "/docs/page.js": ("page.js", "text/javascript"),
    "/docs/page.css": ("page.css", "text/css"),
}


def routes(document: dict[str, Any]) -> list[web.RouteDef]:
    """Return the routes of `/openapi.json` and `/docs`; both are for everybody, for they hold no secret."""
    found = [_route("/openapi.json", json.dumps(document).encode(), "application/json")]
    for path, (name, content_type) in PARTS.items():
        found.append(_route(path, files(__name__).joinpath(name).read_bytes(), content_type))
    return found


def _route(path: str, body: bytes, content_type: str) -> web.RouteDef:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=HEADERS)

    return web.get(path, handler)
