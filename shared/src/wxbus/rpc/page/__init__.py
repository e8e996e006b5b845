"""A page to read the OpenAPI document and try the methods: our own, nothing of it comes from elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Page:
    """One address that is read, the same for everybody: it holds no secret."""

    body: bytes
    content_type: str

    def response(self) -> web.Response:
        """Return what is answered."""
        return web.Response(body=self.body, content_type=self.content_type, charset="utf-8", headers=HEADERS)


def pages(document: dict[str, Any]) -> Mapping[str, Page]:
    """Return what stands at `/openapi.json` and `/docs`, by path."""
    return {
        "/openapi.json": Page(json.dumps(document).encode(), "application/json"),
        **{path: Page(files(__name__).joinpath(name).read_bytes(), kind) for path, (name, kind) in PARTS.items()},
    }
