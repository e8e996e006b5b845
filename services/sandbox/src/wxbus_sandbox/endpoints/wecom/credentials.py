"""Access tokens of WeCom's applications (WeCom reference 1.1)."""

from aiohttp import web

from wxbus.accounts.models import AccountKind
from wxbus_sandbox.endpoints.credentials import is_secret, only_get
from wxbus_sandbox.endpoints.wecom.base import calling_account, route
from wxbus_sandbox.rules.responses import ApiError, ok
from wxbus_sandbox.state import SANDBOX


async def gettoken(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/gettoken`; each application has its own secret and token."""
    sandbox = request.app[SANDBOX]
    only_get(request)
    corpid, secret = request.query.get("corpid", ""), request.query.get("corpsecret", "")
    applications = [
        account
        for account in sandbox.accounts
        if account.kind is AccountKind.WECOM and account.effective_receive_id == corpid
    ]
    if not applications:
        raise ApiError(40013)
    for account in applications:
        if is_secret(account, secret):
            issued = sandbox.tokens.fetch_wecom(account.appid)
            return ok(access_token=issued.value, expires_in=issued.expires_in)
    raise ApiError(40001)


async def getcallbackip(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/getcallbackip`."""
    sandbox, _account = calling_account(request)
    return ok(ip_list=list(sandbox.rules.callback_addresses))


async def jsapi_ticket(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/get_jsapi_ticket`: the ticket of the corp."""
    sandbox, account = calling_account(request)
    only_get(request)
    issued = sandbox.tickets.fetch(account.effective_receive_id, "jsapi")
    return ok(ticket=issued.value, expires_in=issued.expires_in)


async def agent_ticket(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/ticket/get`: the ticket of the application."""
    sandbox, account = calling_account(request)
    only_get(request)
    if request.query.get("type") != "agent_config":
        raise ApiError(91040)
    issued = sandbox.tickets.fetch(account.appid, "agent_config")
    return ok(ticket=issued.value, expires_in=issued.expires_in)


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        route("/cgi-bin/gettoken", gettoken),
        route("/cgi-bin/getcallbackip", getcallbackip),
        route("/cgi-bin/get_jsapi_ticket", jsapi_ticket),
        route("/cgi-bin/ticket/get", agent_ticket),
    ]
