"""The user, the lane and the dedup id of a push (protocol reference 4.2).

WeChat's own dedup rule (MsgId, or sender and time) treats some different events as equal. Business ids or, without
them, a digest of the whole document distinguish them.
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.document import Document, scalar_at, text
from wxbus.wechat.documents.json_reader import read_json
from wxbus.wechat.messages.system_events import (
    BUSINESS_IDS,
    BUYER_PREFIXES,
    CONTACTS,
    LANE_FIELDS,
    MINIGAME_PREFIX,
    RETRIED_PREFIXES,
    SYSTEM_EVENTS,
    SYSTEM_PREFIXES,
    USER_DATA_EVENTS,
)

MAX_KEY: Final = 200
"""Characters of a key; a longer key is replaced by its digest. Keys of real pushes are far shorter."""
MAX_OPENID: Final = 128
"""Characters; WeChat uses 28."""

OWNERS: Final = ("open_kfid", "aibotid")
"""The customer-service account or the robot that a message belongs to."""
XPAY_ID: Final = (
    ("OutTradeNo",),
    ("WxRefundId",),
    ("ComplaintId",),
    ("BusinessCode", "BusinessState"),
)
"""Business ids of virtual payment. WeChat retries its pushes for hours with a different `RetryTimes` and time."""


def openid_of(document: Document) -> str | None:
    """Return the openid of the user that a push is about, or None for system events (protocol reference 13, trap 6)."""
    if "open_kfid" in document:
        return _customer(document)
    sender = text(document, "FromUserName")
    if sender == CONTACTS or _is_stream_poll(document):
        return None
    if text(document, "MsgType").lower() == "event":
        event = text(document, "Event").lower()
        if event.startswith(MINIGAME_PREFIX):
            return _openid(_player(document))
        if event in USER_DATA_EVENTS:
            return _openid(text(document, "OpenID") or text(document, "openid"))
        if event in SYSTEM_EVENTS or (event.startswith(SYSTEM_PREFIXES) and not event.startswith(BUYER_PREFIXES)):
            return None
    # WeCom's smart robots send objects instead of texts; dumped messages have no such object.
    return _openid(sender or _first(document, ("from.userid", "from_user")))


def dedup_id(appid: str, document: Document) -> str:
    """Return the id that all deliveries of the same push share (protocol reference 4.2, WeCom reference 5.8)."""
    if (message := text(document, "msgid")) and (owner := _first(document, OWNERS)):
        return _bounded(f"{appid}:{owner}:{message}")
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
    # The digest covers EventKey: ids appear in logs, where user content must not.
    return _bounded(f"{appid}:e:{event}:{sender}:{created}:{_digest(document)}")


def lane_of(appid: str, document: Document) -> str:
    """Return the lane of a push: `appid:openid`, or `appid:<business id>` for system events.

    Pushes of a lane are handled in order, one at a time.
    """
    if openid := openid_of(document):
        return f"{appid}:{openid}"
    if _is_stream_poll(document):  # a lane of its own: the user's lane is busy with the stream
        return _bounded(f"{appid}:stream:{scalar_at(document, 'stream.id')}")
    event = text(document, "Event").lower()
    if event.startswith("xpay_"):
        about = _xpay_id(document) or text(document, "ContractId") or text(document, "pay_order_id")
    elif event:
        about = next(iter(_business_ids(event, document)), "") or _first(document, LANE_FIELDS)
    else:
        about = _first(document, ("AuthorizerAppid", "AuthCorpId", "InfoType", *OWNERS))
    return _bounded(f"{appid}:{about or event or text(document, 'MsgType')}")


def is_retried_for_hours(document: Document) -> bool:
    """Return whether WeChat retries a push for hours (protocol reference 4.4, WeCom reference 9 and 10)."""
    return text(document, "Event").lower().startswith(RETRIED_PREFIXES)


def customer_openid(open_kfid: str, external_userid: str) -> str:
    """Return the openid of a customer of one customer-service account (WeCom reference 7); no userid has a colon."""
    return f"{open_kfid}:{external_userid}"


def split_customer(openid: str) -> tuple[str, str] | None:
    """Return open_kfid and external_userid of a `customer_openid`, None for another openid."""
    account, colon, customer = openid.partition(":")
    return (account, customer) if colon else None


def _customer(document: Document) -> str | None:
    customer = _first(document, ("external_userid", "event.external_userid"))
    return _openid(customer_openid(text(document, "open_kfid"), customer)) if customer else None


def _is_stream_poll(document: Document) -> bool:
    """Return whether WeCom polls a robot's streamed answer (WeCom reference 8.4)."""
    return "aibotid" in document and text(document, "msgtype") == "stream"


def _first(document: Document, paths: Iterable[str]) -> str:
    return next(filter(None, (scalar_at(document, path) for path in paths)), "")


def _payload(document: Document) -> Document:
    """Return the JSON payload of a mini game's event."""
    try:
        return read_json(scalar_at(document, "MiniGame.Payload"))
    except MalformedCallback:
        return {}


def _player(document: Document) -> str:
    return scalar_at(document, "MiniGame.ToUserOpenid") or text(_payload(document), "OpenId")


def _game_id(document: Document) -> str:
    """Return the order id; a test from the console gets a different id."""
    order = scalar_at(document, "MiniGame.OrderId") or text(_payload(document), "OutTradeNo")
    is_test = {scalar_at(document, f"MiniGame.{name}").lower() for name in ("IsMock", "IsPreview")} & {"1", "true"}
    return f"{order}:test" if order and is_test else order


def _openid(value: str) -> str | None:
    return value if 0 < len(value) <= MAX_OPENID else None


def _xpay_id(document: Document) -> str:
    for names in XPAY_ID:
        if text(document, names[0]):
            return ":".join(text(document, name) for name in names)
    return ""


def _business_ids(event: str, document: Document) -> list[str]:
    return [found for path in BUSINESS_IDS.get(event, ()) if (found := scalar_at(document, path))]


def _digest(document: Document) -> str:
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()[:16]


def _bounded(key: str) -> str:
    # Keys become AMQP headers and Redis keys, so the sender must not control their length.
    return key if len(key) <= MAX_KEY else f"{key[:64]}#{sha256(key.encode()).hexdigest()}"
