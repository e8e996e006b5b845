"""A page to read the OpenAPI document and try the methods, without external resources."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from aiohttp import web

from wxbus.runtime.languages import Language, preferred_language

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
ENGLISH: Final = "en"
CHINESE: Final = "zh"
PARTS: Final = {
    "/docs/page.js": ("page.js", "text/javascript"),
    "/docs/page.css": ("page.css", "text/css"),
}
PATHS: Final = frozenset({"/openapi.json", "/openapi-json.json", "/docs", *PARTS})


@dataclass(frozen=True, slots=True)
class Page:
    """A static page without secrets."""

    bodies: Mapping[str, bytes]
    """By language; "" for a page in one language."""
    content_type: str

    def response(self, accepted: str | None = None) -> web.Response:
        """Return the response; `accepted` is the request's `Accept-Language`."""
        headers = dict(HEADERS)
        language = language_of(accepted) if len(self.bodies) > 1 else ""
        if language:
            headers |= {"Content-Language": language, "Vary": "Accept-Language"}
        return web.Response(
            body=self.bodies[language], content_type=self.content_type, charset="utf-8", headers=headers
        )


def pages(document: dict[str, Any], json_only: dict[str, Any]) -> Mapping[str, Page]:
    """Return the pages `/openapi.json`, `/openapi-json.json` and `/docs` with its parts, by path."""
    texts = {language: _file(f"page.{language}.html") for language in (ENGLISH, CHINESE)}
    return {
        "/openapi.json": Page({"": json.dumps(document).encode()}, "application/json"),
        "/openapi-json.json": Page({"": json.dumps(json_only).encode()}, "application/json"),
        "/docs": Page(texts, "text/html"),
        **{path: Page({"": _file(name)}, kind) for path, (name, kind) in PARTS.items()},
    }


def language_of(accepted: str | None) -> str:
    """Return the preferred language of the two, English by default."""
    return CHINESE if preferred_language(accepted or "") is Language.CHINESE else ENGLISH


def _file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()
