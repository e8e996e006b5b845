"""Tables of the events that the system sends, and of their ids (protocol reference 4.2, WeCom reference 5, 9, 10)."""

from collections.abc import Mapping
from typing import Final

_WAYBILL_EVENTS: Final = (
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
)
RESULT_EVENTS: Final = frozenset(
    {
        *_WAYBILL_EVENTS,
        "check_biz",
        "get_quota",
        "transport_cancel_order",
        "transport_precancel_order",
        "transport_query_order_status",
        "transport_confirm_return_to_biz",
    }
)
"""Carrier events whose response contains a result (protocol reference 4.4)."""

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
    # Shops; the buyer is the sender of order events.
    "channels_ec_",
    "product_spu_",
    "product_category_",
    "set_shop_",
    "api_diff",
    "qrcode_status",
    "head_supplier_",
    "dropship_order_",
    "ewaybill_push_path",
    "ec_supplier_",
    # The trade component; the buyer is the sender of order and after-sale events.
    "open_product_account_",
    "open_product_brand_",
    "open_product_category_",
    "open_product_scene_",
    "open_product_spu_",
    "funds_order_",
    # Trial Mini Programs.
    "betaapp_",
)
BUYER_PREFIXES: Final = (
    "channels_ec_order_",
    "channels_ec_coupon_receive",
    "channels_ec_user_coupon_",
    "channels_ec_vip_",
)
"""Prefixes of events that match `SYSTEM_PREFIXES` but whose sender is a user."""
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
        "complaint callback",
        "card_merchant_check_result",
        "user_scan_product_verify_action",
        "open_product_order_settle",
        "withdraw_notify",
        "iot_voip_notify",
        "add_express_path",
        "update_waybill_status",
        "update_business_bind_result",
        *RESULT_EVENTS,
    }
)
"""Further events whose sender is an id of WeChat, not a user."""

USER_DATA_EVENTS: Final = frozenset(
    {"user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"}
)
"""Events that the platform sends about the user in `OpenID`."""

_WAYBILL_IDS: Final = ("WayBillID", "WayBillId", "OrderID", "OrderId", "Token")
_CARD: Final = ("CardId", "UserCardCode")

BUSINESS_IDS: Final[Mapping[str, tuple[str, ...]]] = {
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
    "add_express_path": (*_WAYBILL_IDS, "DeliveryID", "Version", "Count"),
    **dict.fromkeys(_WAYBILL_EVENTS, _WAYBILL_IDS),
}
"""Paths of the fields that together identify an event. The first one present is also the lane of a system event."""

LANE_FIELDS: Final = (
    *("ApprovalInfo.SpNo", "ApprovalInfo.ThirdNo", "BatchJob.JobId", "JobId", "ChatId", "ExternalUserID", "UserID"),
    *("TagId", "LinkId", "OpenKfId", "Id"),
    *("order_info.order_id", "finder_shop_aftersale_status_update.order_id", "finder_shop_complaint.order_id"),
    *("ProductSpuAudit.product_id", "ProductSpuListing.product_id", "ProductSpuUpdate.product_id"),
    *("channels_ec_stock_no_enough.product_id", "item_info.product_id", "EcSupplierProductUpdate.product_id"),
    *("ProductCategoryAudit.audit_id", "BrandEvent.audit_id", "coupon_info.coupon_id", "withdraw_info.withdraw_id"),
    *("waybill_info.ewaybill_order_id", "ds_order_id"),
    *("finder_shop_present_aftersale_status_update.order_id", "finder_shop_guarantee_status_update.order_id"),
    *("OpenProductSpuAudit.product_id", "OpenProductSpuStatusUpdate.product_id", "QualificationAuditResult.audit_id"),
    *("order_info.settle_no", "BussiCallBackInfo.complaint_order_id", "complaint_order_id", "MerchantId"),
    *("ApplyAuthorizationInfoNoitfy.appid", "ApplyPersonalAuthorizationInfoNotify.appid"),
    *("ApplyMerchantAdminAuthorizationInfoNotify.appid", "KeyStr", "openid"),
)
"""Paths of the fields for the lane of a WeCom or shop system event; the first one present counts.

They do not identify the push: the same member or product may change more than once a second."""

CONTACTS: Final = "sys"
"""Sender of WeCom events without a user."""

MINIGAME_PREFIX: Final = "minigame_"
"""Prefix of mini game events. Their sender is an id of WeChat; the player is in `MiniGame`."""
SYNCHRONOUS_EVENTS: Final = ("xpay_*", f"{MINIGAME_PREFIX}*", *sorted(RESULT_EVENTS))
"""Name patterns of the events that need a synchronous response; `*` matches any text."""
RETRIED_PREFIXES: Final = ("xpay_", MINIGAME_PREFIX, "channels_ec_", "product_order_")
"""Prefixes of events that WeChat retries for hours until it gets a response."""
