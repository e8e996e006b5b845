"""Actions of users: to send a message or an event, or one that was sent before (see `models`)."""

from typing import Any, Final

from aiohttp import web

from wxbus.accounts.models import Account
from wxbus.errors import ConfigurationError, UnknownAccount
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.messages.identity import openid_of
from wxbus_sandbox.control.api import COMPOSER, PUSHER, account_named, http_error, read, to_json
from wxbus_sandbox.control.requests import ReplayRequest
from wxbus_sandbox.families.qr_codes import fill_scene
from wxbus_sandbox.families.service_desk import ServiceDesk
from wxbus_sandbox.models import Outcome, SendRequest, SendResult
from wxbus_sandbox.pushes.composer import scalars
from wxbus_sandbox.pushes.results import RESULTS
from wxbus_sandbox.state import SANDBOX, Sandbox

NEW: Final = ("ToUserName", "FromUserName", "CreateTime", "MsgId", "MsgType", "Event")
"""Fields that the composer sets when a message is sent anew."""


async def act(app: web.Application, action: SendRequest) -> SendResult:
    """Push a user's action and return the result; respond with an error if the action is not possible."""
    sandbox = app[SANDBOX]
    account, platform = account_named(sandbox, action.account), None
    if action.authorizer_appid is not None:
        account, platform = _authorizer(sandbox, action.authorizer_appid, account), account
    try:
        push = app[COMPOSER].compose(account, action)
    except ValueError as exc:
        raise http_error(str(exc)) from exc
    fill_scene(sandbox, account, push)
    mode, form = action.mode or account.modes[0], Format(action.format or account.formats[0])
    if openid := openid_of(scalars(push)):
        sandbox.users.record_action(account, openid, push)
    desk = ServiceDesk(sandbox, account, app[RESULTS])
    if openid and (intercepted := desk.intercept(openid, push)):
        return intercepted
    try:
        result = await app[PUSHER].push(account, push, mode, form, platform=platform, copies=action.copies)
    except (ConfigurationError, ValueError) as exc:  # no key for this mode; a field name that XML cannot have
        raise http_error(str(exc)) from exc
    if openid and result.reply is not None and result.outcome is Outcome.TRANSFERRED:
        desk.transferred(openid, push, result.reply)
    return result


async def send(request: web.Request) -> web.Response:
    """Push a user's action and answer with the result."""
    return to_json(await act(request.app, await read(request, SendRequest)))


async def replay(request: web.Request) -> web.Response:
    """Push one of the pushes again, and answer with the result."""
    body = await read(request, ReplayRequest)
    push = _push_of(request.app[SANDBOX], body.id)
    message: dict[str, Any] = dict(push.message)
    action: dict[str, Any] = {"account": push.account, "mode": body.mode, "format": body.format}
    if not body.anew:
        return to_json(await act(request.app, SendRequest(message=message, **action)))
    if push.openid is None:
        raise http_error(f"push {body.id} belongs to no user; it can only be repeated as it was")
    kind, event = str(message["MsgType"]), message.get("Event")
    fields = {name: value for name, value in message.items() if name not in NEW}
    return to_json(
        await act(request.app, SendRequest(openid=push.openid, type=kind, event=event, fields=fields, **action))
    )


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [web.post("/sandbox/send", send), web.post("/sandbox/replay", replay)]


def _push_of(sandbox: Sandbox, wanted: str) -> SendResult:
    """Return the push with this number, or the last push with this MsgId; respond 404 if there is none."""
    number = int(wanted) if wanted.isdecimal() else 0
    if push := sandbox.pushes.numbered(number):
        return push
    if found := sandbox.pushes.find(lambda push: push.msg_id == wanted):
        return found[-1]
    raise http_error(f"there is no push with the number or MsgId {wanted}", status=404)


def _authorizer(sandbox: Sandbox, appid: str, platform: Account) -> Account:
    try:
        account = sandbox.account(appid)
    except UnknownAccount:
        account = None
    if account is None or account.component != platform.name:
        raise http_error(f"{appid} has not authorised {platform.name}", status=404)
    return account
