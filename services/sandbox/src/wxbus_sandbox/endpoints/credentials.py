"""Calls that are made with the AppSecret: access tokens (protocol reference 8.1) and log-in (10)."""

import hmac
from typing import Any

from aiohttp import web

from wxbus.errors import UnknownAccount
from wxbus_sandbox.answers import Refusal, answer, json_body
from wxbus_sandbox.state import SANDBOX, Sandbox
from wxbus_sandbox.tokens import Issued


async def token(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/token`."""
    sandbox = request.app[SANDBOX]
    _only_get(request)
    appid = _authenticate(sandbox, request.query, grant_type="client_credential")
    return _issued(sandbox.tokens.fetch_classic(appid))


async def stable_token(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/stable_token`."""
    sandbox = request.app[SANDBOX]
    body = await json_body(request)
    appid = _authenticate(sandbox, body, grant_type="client_credential")
    force = body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise Refusal(47001)
    return _issued(sandbox.tokens.fetch_stable(appid, force=force))


async def jscode2session(request: web.Request) -> web.Response:
    """Answer `/sns/jscode2session`; WeChat calls its JSON text/plain."""
    sandbox = request.app[SANDBOX]
    _only_get(request)
    appid = _authenticate(sandbox, request.query, grant_type="authorization_code")
    if not (code := request.query.get("js_code", "")):
        raise Refusal(41008)
    session = sandbox.logins.exchange(appid, code)
    return answer("text/plain", session_key=session.session_key, openid=session.openid, unionid=session.unionid)


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.route("*", "/cgi-bin/token", token),
        web.route("*", "/cgi-bin/stable_token", stable_token),
        web.route("*", "/sns/jscode2session", jscode2session),
    ]


def _only_get(request: web.Request) -> None:
    if request.method != "GET":
        raise Refusal(43001)


def _authenticate(sandbox: Sandbox, given: Any, *, grant_type: str) -> str:
    """Return the appid, if its secret is right."""
    if given.get("grant_type") != grant_type:
        raise Refusal(40002)
    appid, secret = given.get("appid"), given.get("secret")
    if not appid:
        raise Refusal(41002)
    if not secret:
        raise Refusal(41004)
    if not isinstance(appid, str) or not isinstance(secret, str):
        raise Refusal(47001)
    try:
        account = sandbox.accounts.of(appid)
    except UnknownAccount as exc:
        raise Refusal(40013) from exc
    right = account.secret.get_secret_value() if account.secret else ""
    if not right or not hmac.compare_digest(secret.encode(), right.encode()):
        raise Refusal(40125)
    return appid


def _issued(issued: Issued) -> web.Response:
    return answer(access_token=issued.value, expires_in=issued.expires_in)
