"""Messages of applications to members (WeCom reference 3.1)."""

import re
import secrets
from typing import Any, Final

from aiohttp import web

from wxbus.accounts.models import Account
from wxbus_sandbox.endpoints.wecom.base import call_of, route
from wxbus_sandbox.models import Sent
from wxbus_sandbox.rules.responses import ApiError, ok
from wxbus_sandbox.state import Sandbox

MEMBER: Final = re.compile(r"[A-Za-z0-9][\w.@-]{0,63}", re.ASCII)
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "text": ("content",),
    "markdown": ("content",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id",),
    "file": ("media_id",),
    "textcard": ("title", "description", "url"),
    "news": ("articles",),
    "mpnews": ("articles",),
    "miniprogram_notice": ("appid", "title"),
    "template_card": ("card_type",),
}
"""The required fields of each message type."""
TEXT_BYTES: Final = 2048
MOST_ARTICLES: Final = 8
NO_RECEIVER: Final = 82001
NO_VALID_RECEIVER: Final = 81013
WRONG_AGENT: Final = 301002


async def send(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/message/send`."""
    sandbox, account, body = await call_of(request)
    users, parties, tags = (_ids(body.get(name)) for name in ("touser", "toparty", "totag"))
    if not users and not parties and not tags:
        raise ApiError(NO_RECEIVER, "touser & toparty & totag are all empty")
    msgtype = check_message(sandbox, account, body)
    if msgtype != "miniprogram_notice" and body.get("agentid") != (account.agent_id or body.get("agentid")):
        raise ApiError(WRONG_AGENT, "not allow to use this agentid")
    known = [user for user in users if user == "@all" or MEMBER.fullmatch(user)]
    if not known and not parties and not tags:
        raise ApiError(NO_VALID_RECEIVER, "user & party & tag all invalid")
    for user in known:
        record(sandbox, account, user, msgtype, body)
    invalid = "|".join(user.lower() for user in users if user not in known)
    return ok(msgid=secrets.token_hex(16), **({"invaliduser": invalid} if invalid else {}))


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [route("/cgi-bin/message/send", send)]


def check_message(sandbox: Sandbox, account: Account, body: dict[str, Any]) -> str:
    """Return the type of a message; raises ApiError if WeCom would not deliver it."""
    msgtype = body.get("msgtype")
    if not isinstance(msgtype, str) or msgtype not in FIELDS:
        raise ApiError(40008)
    content = body.get(msgtype)
    if not isinstance(content, dict):
        raise ApiError(40035)
    for name in FIELDS[msgtype]:
        if name == "media_id":
            sandbox.media.get(account.appid, content.get(name))
        elif not content.get(name):
            raise ApiError(44004) if msgtype == "text" else ApiError(40035)
    if msgtype in {"text", "markdown"} and len(str(content["content"]).encode()) > TEXT_BYTES:
        raise ApiError(45002)
    if len(content.get("articles", ())) > MOST_ARTICLES:
        raise ApiError(45008)
    return msgtype


def record(sandbox: Sandbox, account: Account, receiver: str, msgtype: str, body: dict[str, Any]) -> None:
    """Record a message that a member or a customer received."""
    sandbox.sent.add(
        Sent(
            time=sandbox.clock.now(),
            account=account.name,
            appid=account.appid,
            openid=receiver,
            msgtype=msgtype,
            payload=body,
        )
    )


def _ids(value: object) -> list[str]:
    return [one for one in value.split("|") if one] if isinstance(value, str) else []
