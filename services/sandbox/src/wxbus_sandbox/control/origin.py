"""Refuses requests that another web site makes in a developer's browser."""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus_sandbox.control.api import http_error

PREFIX: Final = "/sandbox/"


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond 403 to a request to the control API whose `Origin` is not the sandbox."""
    origin = request.headers.get("Origin")
    if request.path.startswith(PREFIX) and origin is not None and urlsplit(origin).netloc != request.host:
        raise http_error("the control API takes no requests of other web sites", status=403)
    return await handler(request)
