"""Refuses requests that another web site makes in a developer's browser."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus_sandbox.control.api import http_error

OWN: Final = ("/sandbox/", "/v1/")
"""Paths that WeChat does not have."""
BY_ANY_NAME: Final = ("/sandbox/media/", "/v1/")
"""Paths that other services call by any name of the sandbox: media files, and the receiver of telemetry."""
HOSTS: Final[web.AppKey[Collection[str]]] = web.AppKey("hosts", Collection[str])
"""Names by which browsers may call the page and the control API, besides addresses and `localhost`."""


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond 403 to a request of another site to the page or the control API.

    Such a request has another `Origin`, or the name of that site as `Host`, which resolves to the sandbox's address
    (DNS rebinding).
    """
    path, origin = request.path, request.headers.get("Origin")
    if path == "/" or path.startswith(OWN):
        if not path.startswith(BY_ANY_NAME) and not _is_ours(request.host, request.app[HOSTS]):
            hint = "WXBUS_SANDBOX_ALLOWED_HOSTS names hosts besides addresses and localhost"
            raise http_error(f"the sandbox does not answer for the host {request.host[:100]!r}; {hint}", status=403)
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise http_error("the control API takes no requests of other web sites", status=403)
    return await handler(request)


def _is_ours(host: str, names: Collection[str]) -> bool:
    """Return whether the host is a name of the sandbox or an address, which no other site can use as its name."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
