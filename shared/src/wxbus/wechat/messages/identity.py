"""Who a push is about, which lane it belongs to, and when two pushes are the same (protocol reference 4.2).

WeChat's own rule (MsgId; sender and time) takes different events for one; business ids and, where there are none, a
digest of the whole document do not.
"""

import json
from hashlib import sha256
from typing import Final

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.document import Document, Value, text
from wxbus.wechat.documents.json_reader import read_json
from wxbus.wechat.messages.system_events import (
    ABOUT,
    ABOUT_USER,
    BUSINESS_ID,
    BUYER_PREFIXES,
    CONTACTS,
    MINIGAME_PREFIX,
    REPEATED_PREFIXES,
    SYSTEM_EVENTS,
    SYSTEM_PREFIXES,
)

MAX_KEY: Final = 200
"""Characters of a key; what is longer is replaced by its digest. WeChat's own are far below."""
MAX_OPENID: Final = 128
"""Characters; WeChat's have 28."""

XPAY_ID: Final = (
    ("OutTradeNo",),
    ("WxRefundId",),
    ("ComplaintId",),
    ("BusinessCode", "BusinessState"),
)
"""Virtual payment is pushed again for hours with other `RetryTimes`: one of these names it, without the time."""


def openid_of(document: Document) -> str | None:
    """Return the openid of the user a push is about, or None for system events (protocol reference 13, trap 6)."""
    sender = text(document, "FromUserName")
    if sender == CONTACTS:
        return None
    if text(document, "MsgType").lower() == "event":
        event = text(document, "Event").lower()
        if event.startswith(MINIGAME_PREFIX):
            return _openid(_player(document))
        if event in ABOUT_USER:
            return _openid(text(document, "OpenID") or text(document, "openid"))
        if event in SYSTEM_EVENTS or (event.startswith(SYSTEM_PREFIXES) and not event.startswith(BUYER_PREFIXES)):
            return None
    # WeCom's smart robots have objects where all others have texts.
    return _openid(sender or _at(document, "from.userid"))


def dedup_id(appid: str, document: Document) -> str:
    """Return what every delivery of the same push has in common, and no other push has (protocol reference 4.2)."""
    sender = text(document, "FromUserName")
    created = text(document, "CreateTime")
    if text(document, "MsgType").lower() != "event":
        if info := text(document, "InfoType"):
            about = text(document, "AuthorizerAppid") or _digest(document)
            return _bounded(f"{appid}:i:{info}:{created}:{about}")
        return _bounded(f"{appid}:m:{sender}:{text(document, 'MsgId') or f'{created}:{_digest(document)}'}")
    event = text(document, "Event").lower()
    if event.startswith(("xpay_", MINIGAME_PREFIX)):
        business = _xpay_id(document) if event.startswith("xpay_") else _game_id(document)
        if not business:
            lasting = {k: v for k, v in document.items() if k not in {"RetryTimes", "CreateTime"}}
            business = _digest(lasting)
        return _bounded(f"{appid}:e:{event}:{business}")
    if business := ":".join(_business_ids(event, document)):
        return _bounded(f"{appid}:e:{event}:{business}:{created}")
    # The digest stands for EventKey too, which is a word of the push: ids are shown where bodies are not.
    return _bounded(f"{appid}:e:{event}:{sender}:{created}:{_digest(document)}")


def lane_of(appid: str, document: Document) -> str:
    """Return the lane of a push: `appid:openid`, or `appid:<business id>` if it is about no user.

    Pushes in one lane are handled in order, one at a time.
    """
    if openid := openid_of(document):
        return f"{appid}:{openid}"
    event = text(document, "Event").lower()
    if event.startswith("xpay_"):
        about = _xpay_id(document) or text(document, "ContractId") or text(document, "pay_order_id")
    elif event:
        about = next(iter(_business_ids(event, document)), "") or next(
            filter(None, (_at(document, path) for path in ABOUT)), ""
        )
    else:
        about = text(document, "AuthorizerAppid") or text(document, "AuthCorpId") or text(document, "InfoType")
    return _bounded(f"{appid}:{about or event or text(document, 'MsgType')}")


def is_retried_for_hours(document: Document) -> bool:
    """Return whether WeChat repeats a push for hours (protocol reference 4.4, WeCom reference 9 and 10)."""
    return text(document, "Event").lower().startswith(REPEATED_PREFIXES)


def _payload(document: Document) -> Document:
    """Return what a mini game's event says in a text of JSON."""
    try:
        return read_json(_at(document, "MiniGame.Payload"))
    except MalformedCallback:
        return {}


def _player(document: Document) -> str:
    return _at(document, "MiniGame.ToUserOpenid") or text(_payload(document), "OpenId")


def _game_id(document: Document) -> str:
    """Return the order; a test by the console is not the order itself."""
    order = _at(document, "MiniGame.OrderId") or text(_payload(document), "OutTradeNo")
    is_test = {_at(document, f"MiniGame.{name}").lower() for name in ("IsMock", "IsPreview")} & {"1", "true"}
    return f"{order}:test" if order and is_test else order


def _openid(value: str) -> str | None:
    return value if 0 < len(value) <= MAX_OPENID else None


def _xpay_id(document: Document) -> str:
    for names in XPAY_ID:
        if text(document, names[0]):
            return ":".join(text(document, name) for name in names)
    return ""


def _business_ids(event: str, document: Document) -> list[str]:
    return [found for path in BUSINESS_ID.get(event, ()) if (found := _at(document, path))]


def _at(value: Value, path: str) -> str:
    """Return the scalar at a path; of a list, those of all its items."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        return ",".join(_at(item, path) for item in value)
    if not isinstance(value, dict):
        return ""
    return _at(value.get(name, ""), rest) if rest else text(value, name)


def _digest(document: Document) -> str:
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()[:16]


def _bounded(key: str) -> str:
    # They become headers and keys: a sender must not decide how long those are.
    return key if len(key) <= MAX_KEY else f"{key[:64]}#{sha256(key.encode()).hexdigest()}"
