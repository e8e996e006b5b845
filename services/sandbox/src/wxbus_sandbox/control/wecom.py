"""The control API of WeCom: customers of WeChat Customer Service, and robots; see `requests`."""

import secrets
from typing import Any

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.control.api import COMPOSER, PUSHER, account_named, http_error, read, to_json
from wxbus_sandbox.control.requests import (
    CustomerRequest,
    PlatformResult,
)
from wxbus_sandbox.families.kf import KfState
from wxbus_sandbox.models import (
    RobotRequest,
    SendRequest,
    SendResult,
)
from wxbus_sandbox.pushes.robots import RobotChat
from wxbus_sandbox.state import SANDBOX


async def customer(request: web.Request) -> web.Response:
    """Let a customer write, and push `kf_msg_or_event`."""
    body, sandbox = await read(request, CustomerRequest), request.app[SANDBOX]
    account = account_named(sandbox, body.account)
    if account.kind is not AccountKind.WECOM:
        raise http_error(f"{account.name} is not an account of WeCom")
    state, token = sandbox.part(account.appid, KfState), ""
    for number in range(1, body.count + 1):
        token = state.add(body.open_kfid, _item(body, number, sandbox.clock.wall()), sandbox.clock, sandbox.rules)
    if not body.push:
        return to_json(PlatformResult(value=token))
    return to_json(PlatformResult(value=token, push=await _push(request, account, body.open_kfid, token)))


async def robot(request: web.Request) -> web.Response:
    """Let a member talk to a robot, and answer with what the member saw."""
    body, sandbox = await read(request, RobotRequest), request.app[SANDBOX]
    account = account_named(sandbox, body.account)
    if not account.is_robot:
        raise http_error(f"{account.name} is not a robot of WeCom")
    chat = RobotChat(sandbox, request.app[PUSHER], sandbox.robot_codes)
    return to_json(await chat.talk(account, body))


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [web.post("/sandbox/wecom/customer", customer), web.post("/sandbox/wecom/robot", robot)]


def _item(body: CustomerRequest, number: int, now: float) -> dict[str, Any]:
    header = {"msgid": secrets.token_hex(16), "send_time": int(now), "msgtype": body.type}
    if body.type == "event":
        ids = {"open_kfid": body.open_kfid, "external_userid": body.external_userid}
        return {**header, "origin": 4, "event": {**ids, **body.content}}
    content = dict(body.content)
    if number > 1 and "content" in content:
        content["content"] = f"{content['content']} {number}"
    ids = {"open_kfid": body.open_kfid, "external_userid": body.external_userid}
    return {**ids, **header, "origin": body.origin, body.type: content}


async def _push(request: web.Request, account: Account, open_kfid: str, token: str) -> SendResult:
    fields = {"Token": token, "OpenKfId": open_kfid}
    push = request.app[COMPOSER].compose(
        account, SendRequest(account=account.name, event="kf_msg_or_event", fields=fields)
    )
    del push["FromUserName"]
    return await request.app[PUSHER].push(account, push, account.modes[0], Format(account.formats[0]))
