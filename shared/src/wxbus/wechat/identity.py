"""Who a push is about, which lane it belongs to, and when two pushes are the same (protocol reference 4.2).

WeChat's own rule (MsgId; sender and time) takes different events for one; business ids and, where there are none, a
digest of the whole document do not.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from wxbus.wechat.documents import Document, Value, text

MAX_KEY: Final = 200
"""Characters of a key; what is longer is replaced by its digest. WeChat's own are far below."""
MAX_OPENID: Final = 128
"""Characters; WeChat's have 28."""

ANSWERED_EVENTS: Final = frozenset(
    {
        "add_waybill",
        "add_single_waybill",
        "cancel_waybill",
        "cancel_single_waybill",
        "check_biz",
        "get_quota",
        "query_single_waybill",
        "query_single_waybill_fee",
        "waybill_notify_query",
        "waybill_query_expect_time_range",
        "notify_single_waybill_pay",
        "remind_waybill",
        "waybill_complaint",
        "waybill_evaluate_agent",
        "transport_cancel_order",
        "transport_precancel_order",
        "transport_query_order_status",
        "transport_confirm_return_to_biz",
    }
)
"""Events of carriers that want an answer with a result of their own (protocol reference 4.4)."""

SYSTEM_PREFIXES: Final = (
    "xpay_",
    "trade_manage_",
    "wxa_",
    "weapp_",
    "wx_verify_",
    "retail_",
    "qualification_verify_",
    "naming_verify_",
    "secvod_",
    "secbook_",
)
SYSTEM_EVENTS: Final = frozenset(
    {
        "masssendjobfinish",
        "publishjobfinish",
        "annual_renew",
        "verify_expired",
        "card_pass_check",
        "card_not_pass_check",
        "card_sku_remind",
        "card_pay_order",
        "poi_check_notify",
        "add_store_audit_info",
        "modify_store_audit_info",
        "apply_merchant_audit_info",
        "create_map_poi_audit_info",
        "add_nearby_poi_audit_info",
        "nearby_category_audit_info",
        "wxainsurance_claim_result",
        "charge_service_quota_notify",
        "notify_service_msg_send_result",
        "complaint_callback",
        "iot_voip_notify",
        "add_express_path",
        "update_waybill_status",
        "update_business_bind_result",
        *ANSWERED_EVENTS,
    }
)
"""Events, and above the beginnings of events' names, whose sender is an id of WeChat's own, not a user's."""

ABOUT_USER: Final = frozenset({"user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"})
"""Sent by the platform about the user in their `OpenID`."""

_WAYBILL: Final = ("WayBillID", "WayBillId", "OrderID", "OrderId", "Token")
_CARD: Final = ("CardId", "UserCardCode")

BUSINESS_ID: Final[Mapping[str, tuple[str, ...]]] = {
    "wxa_media_check": ("trace_id",),
    "trade_manage_remind_shipping": ("transaction_id",),
    "trade_manage_order_settlement": ("transaction_id", "settlement_time", "shipped_time"),
    "templatesendjobfinish": ("MsgID",),
    "masssendjobfinish": ("MsgID",),
    "subscribe_msg_sent_event": ("List.MsgID",),
    "publishjobfinish": ("PublishEventInfo.publish_id",),
    "wxa_punish_event": ("punish_id",),
    "wxa_privacy_apply": ("result_info.audit_id",),
    "add_store_audit_info": ("audit_id",),
    "modify_store_audit_info": ("audit_id",),
    "apply_merchant_audit_info": ("audit_id",),
    "retail_pay_notify": ("out_trade_no",),
    "retail_refund_notify": ("out_refund_no", "refund_status"),
    "card_pass_check": _CARD,
    "card_not_pass_check": _CARD,
    "user_get_card": _CARD,
    "user_gifting_card": _CARD,
    "user_del_card": _CARD,
    "user_enter_session_from_card": _CARD,
    "submit_membercard_user_info": _CARD,
    "user_view_card": _CARD,
    "user_consume_card": _CARD,
    "user_pay_from_pay_cell": (*_CARD, "TransId"),
    "update_member_card": _CARD,
    "add_express_path": (*_WAYBILL, "DeliveryID", "Version", "Count"),
    **dict.fromkeys(
        (
            "add_waybill",
            "add_single_waybill",
            "cancel_waybill",
            "cancel_single_waybill",
            "query_single_waybill",
            "query_single_waybill_fee",
            "waybill_notify_query",
            "waybill_query_expect_time_range",
            "notify_single_waybill_pay",
            "remind_waybill",
            "waybill_complaint",
            "waybill_evaluate_agent",
        ),
        _WAYBILL,
    ),
}
"""Fields, as paths, that together name what an event is about, whatever else it says; the first that is there names
the thing itself, and so the lane of a system event."""

XPAY_ID: Final = (
    ("OutTradeNo",),
    ("WxRefundId",),
    ("ComplaintId",),
    ("BusinessCode", "BusinessState"),
)
"""Virtual payment is pushed again for hours with other `RetryTimes`: one of these names it, without the time."""


def openid_of(document: Document) -> str | None:
    """Return the openid of the user a push is about, or None for system events (protocol reference 13, trap 6)."""
    if text(document, "MsgType").lower() == "event":
        event = text(document, "Event").lower()
        if event in ABOUT_USER:
            return _openid(text(document, "OpenID"))
        if event in SYSTEM_EVENTS or event.startswith(SYSTEM_PREFIXES):
            return None
    # WeCom's smart robots have objects where all others have texts.
    return _openid(text(document, "FromUserName") or _at(document, "from.userid"))


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
    if event.startswith("xpay_"):
        business = _xpay_id(document)
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
        about = next(iter(_business_ids(event, document)), "")
    else:
        about = text(document, "AuthorizerAppid") or text(document, "InfoType")
    return _bounded(f"{appid}:{about or event or text(document, 'MsgType')}")


def is_repeated_for_hours(document: Document) -> bool:
    """Return whether WeChat repeats a push for up to 18 hours: virtual payment's (protocol reference 4.4)."""
    return text(document, "Event").lower().startswith("xpay_")


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
