"""The control API of third-party platforms; see `requests`."""

from typing import Any

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import ConfigurationError
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.control.api import COMPOSER, PUSHER, account_named, http_error, read, to_json
from wxbus_sandbox.control.requests import (
    AuthorizerRequest,
    PlatformRequest,
    PlatformResult,
)
from wxbus_sandbox.models import (
    SendRequest,
    SendResult,
)
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX


async def ticket(request: web.Request) -> web.Response:
    """Create a component_verify_ticket and push it."""
    body = await read(request, PlatformRequest)
    platform = _platform(request, body)
    value = request.app[SANDBOX].platforms.make_ticket(platform.appid)
    pushed = await _push(request, platform, body, "component_verify_ticket", {"ComponentVerifyTicket": value})
    return to_json(PlatformResult(value=value, push=pushed))


async def authorize(request: web.Request) -> web.Response:
    """Authorise a platform for an account, or change the authorisation, and push the event."""
    body, sandbox = await read(request, AuthorizerRequest), request.app[SANDBOX]
    platform = _platform(request, body)
    known = platform.appid in sandbox.platforms.authorized_by(body.authorizer_appid)
    code = sandbox.platforms.authorize(platform.appid, body.authorizer_appid)
    fields = {
        "AuthorizerAppid": body.authorizer_appid,
        "AuthorizationCode": code,
        "AuthorizationCodeExpiredTime": int(sandbox.clock.wall() + sandbox.rules.authorization_code_lifetime),
        "PreAuthCode": sandbox.platforms.pre_auth_code().value,
    }
    pushed = await _push(request, platform, body, "updateauthorized" if known else "authorized", fields)
    return to_json(PlatformResult(value=code, push=pushed))


async def unauthorize(request: web.Request) -> web.Response:
    """Withdraw the authorisation of an account and push the event."""
    body, sandbox = await read(request, AuthorizerRequest), request.app[SANDBOX]
    platform = _platform(request, body)
    sandbox.platforms.unauthorize(platform.appid, body.authorizer_appid)
    sandbox.tokens.invalidate(body.authorizer_appid, Family.AUTHORIZER)
    fields = {"AuthorizerAppid": body.authorizer_appid}
    return to_json(PlatformResult(push=await _push(request, platform, body, "unauthorized", fields)))


async def pushes_started(request: web.Request) -> web.Response:
    """Answer with the number of requests for tickets, by appid."""
    return web.json_response(request.app[SANDBOX].platforms.pushes_started())


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.post("/sandbox/component/ticket", ticket),
        web.post("/sandbox/component/authorize", authorize),
        web.post("/sandbox/component/unauthorize", unauthorize),
        web.get("/sandbox/component/pushes_started", pushes_started),
    ]


def _platform(request: web.Request, body: PlatformRequest) -> Account:
    platform = account_named(request.app[SANDBOX], body.account)
    if platform.kind is not AccountKind.COMPONENT:
        raise http_error(f"{platform.name} is not a third-party platform, but a {platform.kind}")
    return platform


async def _push(
    request: web.Request, platform: Account, body: PlatformRequest, info_type: str, fields: dict[str, Any]
) -> SendResult | None:
    if not body.push:
        return None
    push = request.app[COMPOSER].compose(platform, SendRequest(account=platform.name, type=info_type, fields=fields))
    try:
        return await request.app[PUSHER].push(platform, push, platform.modes[0], Format(platform.formats[0]))
    except ConfigurationError as exc:  # no key
        raise http_error(str(exc)) from exc
