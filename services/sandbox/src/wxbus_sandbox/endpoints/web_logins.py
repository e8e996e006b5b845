"""Logins to web pages (OAuth 2); WeChat sends their JSON as text/plain."""

from aiohttp import web

from wxbus_sandbox.endpoints.credentials import authenticate, only_get
from wxbus_sandbox.rules.logins import WebUser
from wxbus_sandbox.rules.responses import ApiError, api_response
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX

LIFETIME = 7200


async def access_token(request: web.Request) -> web.Response:
    """Answer `/sns/oauth2/access_token`."""
    only_get(request)
    sandbox = request.app[SANDBOX]
    appid = authenticate(sandbox, request.query, grant_type="authorization_code")
    return _answer(sandbox.logins.exchange_web(appid, _required(request, "code", 41008)))


async def refresh_token(request: web.Request) -> web.Response:
    """Answer `/sns/oauth2/refresh_token`."""
    only_get(request)
    if request.query.get("grant_type") != "refresh_token":
        raise ApiError(40002)
    appid = _required(request, "appid", 41002)
    return _answer(request.app[SANDBOX].logins.refresh_web(appid, request.query.get("refresh_token", "")))


async def component_access_token(request: web.Request) -> web.Response:
    """Answer `/sns/oauth2/component/access_token`."""
    appid = _authorizer(request)
    return _answer(request.app[SANDBOX].logins.exchange_web(appid, _required(request, "code", 41008)))


async def component_refresh_token(request: web.Request) -> web.Response:
    """Answer `/sns/oauth2/component/refresh_token`."""
    appid = _authorizer(request)
    return _answer(request.app[SANDBOX].logins.refresh_web(appid, request.query.get("refresh_token", "")))


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.route("*", "/sns/oauth2/access_token", access_token),
        web.route("*", "/sns/oauth2/refresh_token", refresh_token),
        web.route("*", "/sns/oauth2/component/access_token", component_access_token),
        web.route("*", "/sns/oauth2/component/refresh_token", component_refresh_token),
    ]


def _authorizer(request: web.Request) -> str:
    """Return the account that has authorised the platform of the token."""
    only_get(request)
    sandbox = request.app[SANDBOX]
    platform = sandbox.tokens.appid_of(request.query.get("component_access_token", ""), Family.COMPONENT)
    return sandbox.platforms.authorization(platform, _required(request, "appid", 41002)).appid


def _required(request: web.Request, name: str, errcode: int) -> str:
    if not (value := request.query.get(name)):
        raise ApiError(errcode)
    return value


def _answer(user: WebUser) -> web.Response:
    return api_response(
        "text/plain",
        access_token=user.access_token,
        expires_in=LIFETIME,
        refresh_token=user.refresh_token,
        openid=user.openid,
        scope="snsapi_userinfo",
        unionid=user.unionid,
    )
