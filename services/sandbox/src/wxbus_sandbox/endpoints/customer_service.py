"""Customer-service messages and typing indicators (protocol reference 9.1)."""

from typing import Any, Final

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus_sandbox.models import Sent
from wxbus_sandbox.rules.responses import ApiError, json_body, ok
from wxbus_sandbox.state import SANDBOX, Sandbox

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "text": ("content",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id", "thumb_media_id"),
    "music": ("musicurl", "thumb_media_id"),
    "news": ("articles",),
    "mpnews": ("media_id",),
    "mpnewsarticle": ("article_id",),
    "msgmenu": ("list",),
    "wxcard": ("card_id",),
    "miniprogrampage": ("title", "pagepath", "thumb_media_id"),
    "link": ("title", "description", "url"),
}
"""The required fields of each message type."""

BUSINESS_SEND: Final = "/cgi-bin/message/custom/business/send"
MAX_KF_ACCOUNT: Final = 64
MAX_BUSINESS_ID: Final = 128

ALLOWED: Final = {
    AccountKind.OFFICIAL_ACCOUNT: FIELDS.keys() - {"link"},
    AccountKind.MINI_PROGRAM: {"text", "image", "link", "miniprogrampage"},
}
UPLOADED: Final = {
    ("image", "media_id"),
    ("voice", "media_id"),
    ("video", "media_id"),
    ("video", "thumb_media_id"),
    ("music", "thumb_media_id"),
    ("miniprogrampage", "thumb_media_id"),
}
"""Fields with ids of temporary media. `mpnews` has ids of permanent media, which the sandbox does not have."""


async def send(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/message/custom/send`."""
    sandbox = request.app[SANDBOX]
    account = sandbox.calling_account(request)
    payload = await json_body(request)
    openid = sandbox.users.check_openid(account.appid, payload.get("touser"))
    _check_sender(payload, business=request.path == BUSINESS_SEND)
    msgtype = _check_message(sandbox, account, payload)
    sandbox.users.use_allowance(account.appid, openid)
    sandbox.sent.add(
        Sent(
            time=sandbox.clock.now(),
            account=account.name,
            appid=account.appid,
            openid=openid,
            msgtype=msgtype,
            payload=payload,
        )
    )
    return ok()


async def typing(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/message/custom/typing`."""
    sandbox = request.app[SANDBOX]
    account = sandbox.calling_account(request)
    payload = await json_body(request)
    openid = sandbox.users.check_openid(account.appid, payload.get("touser"))
    _check_sender(payload, business=False)
    command = payload.get("command")
    if command not in {"Typing", "CancelTyping"}:
        raise ApiError(45072)
    sandbox.users.typing(account.appid, openid, on=command == "Typing")
    return ok()


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.route("*", "/cgi-bin/message/custom/send", send),
        web.route("*", BUSINESS_SEND, send),
        web.route("*", "/cgi-bin/message/custom/typing", typing),
        web.route("*", "/cgi-bin/message/custom/business/typing", typing),
    ]


def _check_sender(payload: dict[str, Any], *, business: bool) -> None:
    """Raise ApiError if the customer-service account or the merchant is given and not valid."""
    kf_account = payload.get("customservice", {}).get("kf_account", "a")
    if not isinstance(kf_account, str) or not 1 <= len(kf_account) <= MAX_KF_ACCOUNT:
        raise ApiError(65401)
    business_id = payload.get("businessid", "" if business else "1")
    if not isinstance(business_id, str | int) or not 1 <= len(str(business_id)) <= MAX_BUSINESS_ID:
        raise ApiError(45071)


def _check_message(sandbox: Sandbox, account: Account, payload: dict[str, Any]) -> str:
    """Return the message's type; raises ApiError if WeChat would not deliver it."""
    msgtype = payload.get("msgtype")
    if not isinstance(msgtype, str) or msgtype not in FIELDS:
        raise ApiError(40008)
    if msgtype not in ALLOWED.get(account.kind, set()):
        raise ApiError(48008)
    body = payload.get(msgtype)
    if not isinstance(body, dict):
        raise ApiError(40035)
    for name in FIELDS[msgtype]:
        if (msgtype, name) in UPLOADED:
            sandbox.media.get(account.appid, body.get(name))
        elif not body.get(name):
            raise ApiError(44004, "empty content") if msgtype == "text" else ApiError(40035)
    _check_sizes(sandbox, account, msgtype, body)
    return msgtype


def _check_sizes(sandbox: Sandbox, account: Account, msgtype: str, body: dict[str, Any]) -> None:
    match msgtype:
        case "text":
            content = body["content"]
            if not isinstance(content, str):
                raise ApiError(40035)
            if len(content.encode()) > sandbox.rules.text_bytes:
                raise ApiError(45002)
        case "news":
            if not isinstance(body["articles"], list):
                raise ApiError(40035)
            if len(body["articles"]) > 1:
                raise ApiError(45008)
        case "miniprogrampage":
            # An Official Account must name the Mini Program; for a Mini Program it is the account itself.
            appid = body.get("appid", account.appid if account.kind is AccountKind.MINI_PROGRAM else "")
            if not appid or (account.kind is AccountKind.MINI_PROGRAM and appid != account.appid):
                raise ApiError(40013)
