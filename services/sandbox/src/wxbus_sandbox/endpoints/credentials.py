"""Access tokens (protocol reference 8.1), tickets (8.2) and login (10)."""

import hmac
from typing import Any

from aiohttp import web

from wxbus.accounts.models import Account
from wxbus.errors import UnknownAccount
from wxbus_sandbox.rules.responses import ApiError, api_response, json_body, ok
from wxbus_sandbox.rules.tokens import Issued
from wxbus_sandbox.state import SANDBOX, Sandbox


async def token(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/token`."""
    sandbox = request.app[SANDBOX]
    only_get(request)
    appid = authenticate(sandbox, request.query, grant_type="client_credential")
    return _issued(sandbox.tokens.fetch_classic(appid))


async def stable_token(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/stable_token`."""
    sandbox = request.app[SANDBOX]
    body = await json_body(request)
    appid = authenticate(sandbox, body, grant_type="client_credential")
    force = body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise ApiError(47001)
    return _issued(sandbox.tokens.fetch_stable(appid, force=force))


async def getticket(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/ticket/getticket`."""
    sandbox = request.app[SANDBOX]
    only_get(request)
    account = sandbox.calling_account(request)
    if (ticket_type := request.query.get("type", "")) == "agent_config":  # only WeCom has this type
        raise ApiError(40097)
    issued = sandbox.tickets.fetch(account.appid, ticket_type)
    return ok(ticket=issued.value, expires_in=issued.expires_in)


async def jscode2session(request: web.Request) -> web.Response:
    """Answer `/sns/jscode2session`; WeChat sends its JSON as text/plain."""
    sandbox = request.app[SANDBOX]
    only_get(request)
    appid = authenticate(sandbox, request.query, grant_type="authorization_code")
    if not (code := request.query.get("js_code", "")):
        raise ApiError(41008)
    session = sandbox.logins.exchange(appid, code)
    return api_response("text/plain", session_key=session.session_key, openid=session.openid, unionid=session.unionid)


async def clear_quota(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/clear_quota/v2`, which takes the AppSecret in place of a token."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    credentials = {"appid": body.get("appid"), "secret": body.get("appsecret"), "grant_type": ""}
    sandbox.quotas.reset_all(authenticate(sandbox, credentials, grant_type=""))
    return ok()


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.route("*", "/cgi-bin/token", token),
        web.route("*", "/cgi-bin/stable_token", stable_token),
        web.route("*", "/cgi-bin/clear_quota/v2", clear_quota),
        web.route("*", "/cgi-bin/ticket/getticket", getticket),
        web.route("*", "/sns/jscode2session", jscode2session),
    ]


def check_secret(account: Account, secret: str) -> None:
    """Raise ApiError 40125 unless `secret` is the account's."""
    if not is_secret(account, secret):
        raise ApiError(40125)


def is_secret(account: Account, secret: str) -> bool:
    """Return whether `secret` is the account's."""
    expected = account.secret.get_secret_value() if account.secret else ""
    return expected != "" and hmac.compare_digest(secret.encode(), expected.encode())


def only_get(request: web.Request) -> None:
    """Raise ApiError 43001 unless the method is GET."""
    if request.method != "GET":
        raise ApiError(43001)


def authenticate(sandbox: Sandbox, parameters: Any, *, grant_type: str) -> str:
    """Return the appid after checking its secret."""
    if parameters.get("grant_type") != grant_type:
        raise ApiError(40002)
    appid, secret = parameters.get("appid"), parameters.get("secret")
    if not appid:
        raise ApiError(41002)
    if not secret:
        raise ApiError(41004)
    if not isinstance(appid, str) or not isinstance(secret, str):
        raise ApiError(47001)
    try:
        account = sandbox.accounts.of(appid)
    except UnknownAccount as exc:
        raise ApiError(40013) from exc
    check_secret(account, secret)
    return appid


def _issued(issued: Issued) -> web.Response:
    return api_response(access_token=issued.value, expires_in=issued.expires_in)
