"""Information about WeChat itself (protocol reference 11)."""

from aiohttp import web

from wxbus_sandbox.rules.responses import api_response
from wxbus_sandbox.state import SANDBOX


async def getcallbackip(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/getcallbackip`."""
    sandbox = request.app[SANDBOX]
    sandbox.calling_account(request)
    return api_response(ip_list=list(sandbox.rules.callback_addresses))


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [web.get("/cgi-bin/getcallbackip", getcallbackip)]
