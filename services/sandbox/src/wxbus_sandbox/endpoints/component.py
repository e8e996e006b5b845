"""Calls of third-party platforms (protocol reference 8.3)."""

from typing import Any

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import UnknownAccount
from wxbus_sandbox.endpoints.credentials import check_secret
from wxbus_sandbox.rules.answers import Refusal, answer, json_body
from wxbus_sandbox.rules.platforms import PERMISSIONS, Authorization
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX, Sandbox

PREFIX = "/cgi-bin/component/"


async def api_component_token(request: web.Request) -> web.Response:
    """Give the platform's own token for a good ticket."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    platform = _platform(sandbox, body)
    check_secret(platform, _text(body, "component_appsecret"))
    sandbox.platforms.check_ticket(platform.appid, _text(body, "component_verify_ticket"))
    issued = sandbox.tokens.issue(platform.appid, Family.COMPONENT)
    return answer(component_access_token=issued.value, expires_in=issued.expires_in)


async def api_start_push_ticket(request: web.Request) -> web.Response:
    """Note that tickets are wanted: the sandbox pushes them when it is told to."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    platform = _platform(sandbox, body)
    check_secret(platform, _text(body, "component_secret"))
    sandbox.platforms.start_push(platform.appid)
    return answer(errcode=0, errmsg="ok")


async def api_create_preauthcode(request: web.Request) -> web.Response:
    """Give a code for one page of authorisation."""
    sandbox, _body, _platform = await _called(request)
    issued = sandbox.platforms.pre_auth_code()
    return answer(pre_auth_code=issued.value, expires_in=issued.expires_in)


async def api_query_auth(request: web.Request) -> web.Response:
    """Exchange an authorisation code, once."""
    sandbox, body, platform = await _called(request)
    found = sandbox.platforms.exchange(platform, _text(body, "authorization_code"))
    issued = sandbox.tokens.issue(found.appid, Family.AUTHORIZER)
    info = {"authorizer_access_token": issued.value, "expires_in": issued.expires_in, **_info(found)}
    return answer(authorization_info=info)


async def api_authorizer_token(request: web.Request) -> web.Response:
    """Give an account's token, and a refresh token in place of the one given."""
    sandbox, body, platform = await _called(request)
    given = _text(body, "authorizer_refresh_token")
    found = sandbox.platforms.refresh(platform, _text(body, "authorizer_appid"), given)
    issued = sandbox.tokens.issue(found.appid, Family.AUTHORIZER)
    return answer(
        authorizer_access_token=issued.value,
        expires_in=issued.expires_in,
        authorizer_refresh_token=found.refresh_token,
    )


async def api_get_authorizer_info(request: web.Request) -> web.Response:
    """Tell what an account has authorised."""
    sandbox, body, platform = await _called(request)
    found = sandbox.platforms.authorization(platform, _text(body, "authorizer_appid"))
    return answer(authorizer_info={"nick_name": found.appid}, authorization_info=_info(found))


async def api_get_authorizer_list(request: web.Request) -> web.Response:
    """List the accounts that have authorised the platform."""
    sandbox, body, platform = await _called(request)
    offset, count = body.get("offset", 0), body.get("count", 0)
    if not isinstance(offset, int) or not isinstance(count, int) or not 0 < count <= 500:
        raise Refusal(47001)
    found = sandbox.platforms.authorizations(platform)
    listed = [
        {
            "authorizer_appid": one.appid,
            "refresh_token": one.refresh_token,
            "auth_time": one.authorized_at,
        }
        for one in found[offset : offset + count]
    ]
    return answer(total_count=len(found), list=listed)


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    calls = (
        api_component_token,
        api_start_push_ticket,
        api_create_preauthcode,
        api_query_auth,
        api_authorizer_token,
        api_get_authorizer_info,
        api_get_authorizer_list,
    )
    return [web.route("*", f"{PREFIX}{call.__name__}", call) for call in calls]


async def _called(request: web.Request) -> tuple[Sandbox, dict[str, Any], str]:
    """Return the body of a call and the platform that makes it, by its token."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    platform = sandbox.tokens.appid_of(request.query.get("component_access_token", ""), Family.COMPONENT)
    if _platform(sandbox, body).appid != platform:
        raise Refusal(61011)
    return sandbox, body, platform


def _platform(sandbox: Sandbox, body: dict[str, Any]) -> Account:
    try:
        account = sandbox.accounts.of(_text(body, "component_appid"))
    except UnknownAccount as exc:
        raise Refusal(40013) from exc
    if account.kind is not AccountKind.COMPONENT:
        raise Refusal(61011)
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
        raise Refusal(41018 if name == "component_appid" else 47001)
    return value
