"""The part of the control API that is about third-party platforms; see `models`."""

from typing import Any

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import ConfigurationError
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.control.api import COMPOSER, PUSHER, account_named, bad, read, to_json
from wxbus_sandbox.models import AuthorizerRequest, PlatformRequest, PlatformResult, SendRequest, SendResult
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX


async def ticket(request: web.Request) -> web.Response:
    """Make a component_verify_ticket and push it."""
    wanted = await read(request, PlatformRequest)
    platform = _platform(request, wanted)
    value = request.app[SANDBOX].platforms.make_ticket(platform.appid)
    pushed = await _push(request, platform, wanted, "component_verify_ticket", {"ComponentVerifyTicket": value})
    return to_json(PlatformResult(value=value, push=pushed))


async def authorize(request: web.Request) -> web.Response:
    """Let an account authorise a platform, or change its authorisation, and push that."""
    wanted, sandbox = await read(request, AuthorizerRequest), request.app[SANDBOX]
    platform = _platform(request, wanted)
    known = platform.appid in sandbox.platforms.authorized_by(wanted.authorizer_appid)
    code = sandbox.platforms.authorize(platform.appid, wanted.authorizer_appid)
    fields = {
        "AuthorizerAppid": wanted.authorizer_appid,
        "AuthorizationCode": code,
        "AuthorizationCodeExpiredTime": int(sandbox.clock.wall() + sandbox.rules.authorization_code_lifetime),
        "PreAuthCode": sandbox.platforms.pre_auth_code().value,
    }
    pushed = await _push(request, platform, wanted, "updateauthorized" if known else "authorized", fields)
    return to_json(PlatformResult(value=code, push=pushed))


async def unauthorize(request: web.Request) -> web.Response:
    """Let an account withdraw its authorisation, and push that."""
    wanted, sandbox = await read(request, AuthorizerRequest), request.app[SANDBOX]
    platform = _platform(request, wanted)
    sandbox.platforms.unauthorize(platform.appid, wanted.authorizer_appid)
    sandbox.tokens.invalidate(wanted.authorizer_appid, Family.AUTHORIZER)
    fields = {"AuthorizerAppid": wanted.authorizer_appid}
    return to_json(PlatformResult(push=await _push(request, platform, wanted, "unauthorized", fields)))


async def pushes_started(request: web.Request) -> web.Response:
    """Answer with how often platforms asked for tickets, by appid."""
    return web.json_response(request.app[SANDBOX].platforms.pushes_started())


def routes() -> list[web.RouteDef]:
    """Return the routes of this part."""
    return [
        web.post("/sandbox/component/ticket", ticket),
        web.post("/sandbox/component/authorize", authorize),
        web.post("/sandbox/component/unauthorize", unauthorize),
        web.get("/sandbox/component/pushes_started", pushes_started),
    ]


def _platform(request: web.Request, wanted: PlatformRequest) -> Account:
    platform = account_named(request.app[SANDBOX], wanted.account)
    if platform.kind is not AccountKind.COMPONENT:
        raise bad(f"{platform.name} is no third-party platform: its kind is {platform.kind}")
    return platform


async def _push(
    request: web.Request, platform: Account, wanted: PlatformRequest, info_type: str, fields: dict[str, Any]
) -> SendResult | None:
    if not wanted.push:
        return None
    push = request.app[COMPOSER].compose(platform, SendRequest(account=platform.name, type=info_type, fields=fields))
    try:
        return await request.app[PUSHER].push(platform, push, platform.modes[0], Format(platform.formats[0]))
    except ConfigurationError as exc:  # no key
        raise bad(str(exc)) from exc
