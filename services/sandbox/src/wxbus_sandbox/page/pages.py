"""The files of the page: plain HTML, CSS and JavaScript modules, without external resources."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from wxbus.runtime.languages import preferred_language
from wxbus_sandbox.rules.calls import OWN
from wxbus_sandbox.state import SANDBOX

GATEWAY: Final = web.AppKey("gateway", str)
"""Address of the gateway, "" if it is not known."""
POLICY: Final = "Content-Security-Policy"
HEADERS: Final = {
    POLICY: (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
PREFIX: Final = "/sandbox/page/"
FILES: Final = Path(__file__).with_name("files")


async def page(request: web.Request) -> web.Response:
    """Answer with the page in the reader's language; it shows no secret."""
    language = preferred_language(request.headers.get("Accept-Language", ""))
    headers = {**HEADERS, "Content-Language": language, "Vary": "Accept-Language"}
    if gateway := request.app[GATEWAY]:
        headers[POLICY] = HEADERS[POLICY].replace("connect-src 'self'", f"connect-src 'self' {_sources(gateway)}")
    body = FILES.joinpath(f"page.{language}.html").read_bytes()
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)


async def about(request: web.Request) -> web.Response:
    """Answer with the accounts, without secrets, the paths of WeChat's calls, the sandbox's time and the gateway."""
    sandbox = request.app[SANDBOX]
    accounts = [
        {
            "name": account.name,
            "appid": account.appid,
            "kind": account.kind,
            "modes": account.modes,
            "formats": account.formats,
        }
        for account in sandbox.accounts
    ]
    paths = {route.resource.canonical for route in request.app.router.routes() if route.resource is not None}
    calls = sorted(path for path in paths if path != "/" and not path.startswith(OWN) and "{" not in path)
    return web.json_response(
        {"accounts": accounts, "paths": calls, "now": sandbox.clock.now(), "gateway": request.app[GATEWAY] or None}
    )


def routes() -> list[web.RouteDef]:
    """Return the routes of the page: `/`, its files and what it shows."""
    served = sorted(path for path in FILES.rglob("*") if path.suffix in TYPES)
    return [web.get("/", page), web.get("/sandbox/about", about), *map(_file, served)]


def _file(path: Path) -> web.RouteDef:
    body, kind = path.read_bytes(), TYPES[path.suffix]

    async def answer(_request: web.Request) -> web.Response:
        charset = None if kind.startswith("image/") else "utf-8"
        return web.Response(body=body, content_type=kind, charset=charset, headers=HEADERS)

    return web.get(PREFIX + path.relative_to(FILES).as_posix(), answer)


def _sources(gateway: str) -> str:
    """Return the sources of the policy for calls and sockets of the gateway: its origin by HTTP and by WebSocket."""
    parts = urlsplit(gateway)
    return f"{parts.scheme}://{parts.netloc} {parts.scheme.replace('http', 'ws')}://{parts.netloc}"
