"""The API of third-party platforms (protocol reference 8.3)."""

from typing import Any

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import UnknownAccount
from wxbus_sandbox.endpoints.credentials import check_secret
from wxbus_sandbox.rules.platforms import PERMISSIONS, Authorization
from wxbus_sandbox.rules.responses import ApiError, api_response, json_body, ok
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX, Sandbox

PREFIX = "/cgi-bin/component/"


async def api_component_token(request: web.Request) -> web.Response:
    """Issue the platform's own token for a valid ticket."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    platform = _platform(sandbox, body)
    check_secret(platform, _text(body, "component_appsecret"))
    sandbox.platforms.check_ticket(platform.appid, _text(body, "component_verify_ticket"))
    issued = sandbox.tokens.issue(platform.appid, Family.COMPONENT)
    return api_response(component_access_token=issued.value, expires_in=issued.expires_in)


async def api_start_push_ticket(request: web.Request) -> web.Response:
    """Count the request; the control API pushes tickets."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    platform = _platform(sandbox, body)
    check_secret(platform, _text(body, "component_secret"))
    sandbox.platforms.start_push(platform.appid)
    return api_response(errcode=0, errmsg="ok")


async def api_create_preauthcode(request: web.Request) -> web.Response:
    """Issue a code for an authorisation page."""
    sandbox, _body, _platform = await _call_of(request)
    issued = sandbox.platforms.pre_auth_code()
    return api_response(pre_auth_code=issued.value, expires_in=issued.expires_in)


async def api_query_auth(request: web.Request) -> web.Response:
    """Exchange an authorisation code."""
    sandbox, body, platform = await _call_of(request)
    found = sandbox.platforms.exchange(platform, _text(body, "authorization_code"))
    issued = sandbox.tokens.issue(found.appid, Family.AUTHORIZER)
    info = {"authorizer_access_token": issued.value, "expires_in": issued.expires_in, **_info(found)}
    return api_response(authorization_info=info)


async def api_authorizer_token(request: web.Request) -> web.Response:
    """Issue an account's token and a new refresh token."""
    sandbox, body, platform = await _call_of(request)
    refresh_token = _text(body, "authorizer_refresh_token")
    found = sandbox.platforms.refresh(platform, _text(body, "authorizer_appid"), refresh_token)
    issued = sandbox.tokens.issue(found.appid, Family.AUTHORIZER)
    return api_response(
        authorizer_access_token=issued.value,
        expires_in=issued.expires_in,
        authorizer_refresh_token=found.refresh_token,
    )


async def jscode2session(request: web.Request) -> web.Response:
    """Answer `/sns/component/jscode2session` for an account that has authorised the platform."""
    sandbox, query = request.app[SANDBOX], request.query
    platform = sandbox.tokens.appid_of(query.get("component_access_token", ""), Family.COMPONENT)
    if query.get("component_appid") != platform:
        raise ApiError(61011)
    if query.get("grant_type") != "authorization_code":
        raise ApiError(40002)
    if not (code := query.get("js_code", "")):
        raise ApiError(41008)
    found = sandbox.platforms.authorization(platform, query.get("appid", ""))
    session = sandbox.logins.exchange(found.appid, code)
    return api_response("text/plain", session_key=session.session_key, openid=session.openid, unionid=session.unionid)


async def clear_quota(request: web.Request) -> web.Response:
    """Reset the quotas of an account that has authorised the platform, whose secret is in the body."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    platform = _platform(sandbox, body)
    check_secret(platform, _text(body, "appsecret"))
    sandbox.quotas.reset_all(sandbox.platforms.authorization(platform.appid, _text(body, "appid")).appid)
    return ok()


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    calls = (
        api_component_token,
        api_start_push_ticket,
        api_create_preauthcode,
        api_query_auth,
        api_authorizer_token,
    )
    return [
        *(web.route("*", f"{PREFIX}{call.__name__}", call) for call in calls),
        web.route("*", f"{PREFIX}clear_quota/v2", clear_quota),
        web.route("*", "/sns/component/jscode2session", jscode2session),
    ]


async def _call_of(request: web.Request) -> tuple[Sandbox, dict[str, Any], str]:
    """Return the state, the request's body and the platform to which its token belongs."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    token = request.query.get("component_access_token") or request.query.get("access_token", "")  # WeChat takes both
    platform = sandbox.tokens.appid_of(token, Family.COMPONENT)
    if _platform(sandbox, body).appid != platform:
        raise ApiError(61011)
    return sandbox, body, platform


def _platform(sandbox: Sandbox, body: dict[str, Any]) -> Account:
    try:
        account = sandbox.accounts.of(_text(body, "component_appid"))
    except UnknownAccount as exc:
        raise ApiError(40013) from exc
    if account.kind is not AccountKind.COMPONENT:
        raise ApiError(61011)
    return account


def _info(found: Authorization) -> dict[str, Any]:
    return {
        "authorizer_appid": found.appid,
        "authorizer_refresh_token": found.refresh_token,
        "func_info": [{"funcscope_category": {"id": number}} for number in PERMISSIONS],
    }


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(41018 if name == "component_appid" else 47001)
    return value
