"""Sample pushes of shops, trade components, mini games, platforms and accounts.

Each sample is the class, the event name and the members after the header (WeCom reference 9 to 11). Values differ
within a push, so that a lost value is detected.
"""

import json
from typing import Any, Final

from wxbus import wechat as w

_PAYLOAD: Final = json.dumps(
    {
        "OpenId": "oPlayer",
        "OutTradeNo": "T1",
        "Env": 1,
        "WeChatPayInfo": {"MchOrderNo": "M1", "TransactionId": "4200001", "PaidTime": 1714112440},
        "GoodsInfo": {"ProductId": "sword", "Quantity": 3, "ZoneId": "7", "OrigPrice": 600, "ActualPrice": 500}
        | {"Attach": "a", "OrderSource": 2},
    }
)
_COINS: Final = json.dumps(
    {
        "OpenId": "oPlayer",
        "OutTradeNo": "T1",
        "Env": 0,
        "WeChatPayInfo": {"MchOrderNo": "M1", "TransactionId": "4200001"},
        "CoinInfo": {"ZoneId": "7", "TotalPrice": 700, "BuyQuantity": 70, "OrigPrice": 800},
    }
)
ORDER_ID: Final = 3705115058471208928
"""A number in WeChat's JSON; a float would change it."""


def _order(**more: object) -> dict[str, Any]:
    return {"order_info": {"order_id": ORDER_ID, **more}}


_COMPLAINT: Final[dict[str, Any]] = {
    "appid": "wxapp",
    "option_type": "new",
    "complaint_order_id": 1001,
    "open_id": "oUser",
    "type": 3,
    "status": 4,
    "phone_number": "13800000000",
    "customer_material_content": "broken",
    "order_id": "O1",
    "out_trade_no": "T1",
    "customer_material_media_id_list": "m1,m2",
    "product_name": "cup",
    "pay_time": 1714112001,
    "total_cost": 990,
    "create_time": 1714112002,
    "expire_time": 1714112003,
    "history": {"time": 1714112004, "content": "please refund", "media_id_list": ["m3", "m4"]},
}
_GUIDE: Final = {
    "qrcode_guide_account": "kf",
    "qrcode_guide_openid": "oGuide",
    "openid": "oUser",
    "action": 1,
    "qrcode_info": "door",
}
_TRIAL: Final = {"appid": "wxmini", "mp_appid": "wxmp", "operation_time": "2021-12-30 22:31", "status": 0, "msg": "ok"}
_SCANNED: Final = {
    "KeyStandard": "ean13",
    "KeyStr": "6901481811083",
    "Country": "China",
    "Province": "Guangdong",
    "City": "Guangzhou",
    "Sex": 1,
    "Scene": 2,
    "ExtInfo": "x",
}

SAMPLES: Final[list[tuple[type[w.Message], str, dict[str, Any]]]] = [
    # Shops, orders
    (w.ShopOrderNewEvent, "channels_ec_order_new", _order()),
    (w.ShopOrderCancelEvent, "channels_ec_order_cancel", _order(cancel_type=2)),
    (w.ShopOrderPayEvent, "channels_ec_order_pay", _order(pay_time=1714112440)),
    (w.ShopOrderWaitShippingEvent, "channels_ec_order_wait_shipping", _order()),
    (w.ShopOrderDeliverEvent, "channels_ec_order_deliver", _order(finish_delivery=1)),
    (w.ShopOrderConfirmEvent, "channels_ec_order_confirm", _order(confirm_type=1)),
    (w.ShopOrderSettleEvent, "channels_ec_order_settle", _order(settle_time=1714112440)),
    (w.ShopOrderInfoUpdateEvent, "channels_ec_order_ext_info_update", _order(type=5)),
    (w.ShopVipDiscountEvent, "channels_ec_order_use_vip_discount", _order()),
    (
        w.ProductOrderStatusUpdateEvent,
        "product_order_status_update",
        {"ProductOrderStatusUpdate": {"order_id": ORDER_ID, "status": 20}},
    ),
    (w.LinkedShopOrderEvent, "cooperation_shop_order", {"EventData": {"order_id": "O1", "shop_appid": "wxshop"}}),
    (w.LinkedShopOrderEvent, "related_shop_order_submission", {"Data": {"order_id": "O1", "shop_appid": "wxshop"}}),
    (
        w.ShopAftersaleUpdateEvent,
        "channels_ec_aftersale_update",
        {
            "finder_shop_aftersale_status_update": {"after_sale_order_id": 1234, "order_id": ORDER_ID}
            | {"status": "USER_CANCELD", "wxa_vip_discounted_price": 20}
        },
    ),
    (
        w.ShopPresentAftersaleUpdateEvent,
        "channels_ec_present_aftersale_update",
        {
            "finder_shop_present_aftersale_status_update": {
                "after_sale_order_id": 1234,
                "order_id": ORDER_ID,
                "status": "USER_WAIT_RETURN",
            }
        },
    ),
    (
        w.ShopComplaintUpdateEvent,
        "channels_ec_complaint_update",
        {
            "finder_shop_complaint": {"complaint_id": 99, "after_sale_order_id": 1234, "order_id": ORDER_ID}
            | {"complaint_status": 101}
        },
    ),
    (
        w.ShopGuaranteeUpdateEvent,
        "channels_ec_guarantee_update",
        {"finder_shop_guarantee_status_update": {"guarantee_order_id": 77, "order_id": ORDER_ID, "status": 2}},
    ),
    # Shops, products
    (
        w.ShopProductAuditEvent,
        "product_spu_audit",
        {
            "ProductSpuAudit": {"product_id": 10000, "status": 2, "reason": "title", "audit_info": '{"a": [1]}'}
            | {"product_type": 1}
        },
    ),
    (
        w.ShopProductListingEvent,
        "product_spu_listing",
        {"ProductSpuListing": {"product_id": "10000", "status": 13, "reason": "banned"}},
    ),
    (
        w.ShopProductUpdateEvent,
        "product_spu_update",
        {"ProductSpuUpdate": {"product_id": "10000", "status": 3, "product_type": 1}},
    ),
    (
        w.ShopCategoryAuditEvent,
        "product_category_audit",
        {"ProductCategoryAudit": {"audit_id": "A1", "status": 3, "reason": "paper"}},
    ),
    (
        w.ShopBrandEvent,
        "channels_ec_brand",
        {"BrandEvent": {"brand_id": "B1", "audit_id": "A1", "status": 4, "reason": "late"}},
    ),
    (
        w.ShopStockEvent,
        "channels_ec_stock_no_enough",
        {
            "channels_ec_stock_no_enough": {"product_id": "P1", "sku_id": "S1", "remaining_stock_amount": 5}
            | {"remaining_code_amount": 6}
        },
    ),
    (
        w.SupplierItemUpdateEvent,
        "head_supplier_item_update",
        {
            "item_info": {"event_type": 2, "appid": "wxshop", "product_id": "P1", "version": "1677488955"}
            | {"update_fields": ["commission_ratio", "active_time"]}
        },
    ),
    (
        w.SupplierProductUpdateEvent,
        "ec_supplier_product_update",
        {"EcSupplierProductUpdate": {"product_id": "P1", "status": 5}},
    ),
    # Shops, coupons
    (w.ShopCouponCreateEvent, "channels_ec_coupon_create", {"coupon_info": {"coupon_id": "C1", "create_time": 11}}),
    (w.ShopCouponDeleteEvent, "channels_ec_coupon_delete", {"coupon_info": {"coupon_id": "C1", "delete_time": 12}}),
    (w.ShopCouponExpireEvent, "channels_ec_coupon_expire", {"coupon_info": {"coupon_id": "C1", "expire_time": 13}}),
    (
        w.ShopCouponInfoChangeEvent,
        "channels_ec_coupon_info_change",
        {"coupon_info": {"coupon_id": "C1", "change_time": 14}},
    ),
    (w.ShopCouponInvalidEvent, "channels_ec_coupon_invalid", {"coupon_info": {"coupon_id": "C1", "invalid_time": 15}}),
    (
        w.ShopCouponReceiveEvent,
        "channels_ec_coupon_receive",
        {"receive_info": {"coupon_id": "C1", "user_coupon_id": "UC1", "receive_time": 16}},
    ),
    (
        w.ShopUserCouponExpireEvent,
        "channels_ec_user_coupon_expire",
        {"user_coupon_info": {"coupon_id": "C1", "user_coupon_id": "UC1", "expire_time": 17}},
    ),
    (
        w.ShopUserCouponUseEvent,
        "channels_ec_user_coupon_use",
        {"user_coupon_info": {"coupon_id": "C1", "user_coupon_id": "UC1", "use_time": 18}},
    ),
    (
        w.ShopUserCouponUseEvent,
        "channels_ec_user_coupon_use",
        {"user_info": {"coupon_id": "C1", "user_coupon_id": "UC1", "use_time": 18}},
    ),
    (
        w.ShopUserCouponReturnEvent,
        "channels_ec_user_coupon_unuse",
        {"user_coupon_info": {"coupon_id": "C1", "user_coupon_id": "UC1", "unuse_time": 19}},
    ),
    (
        w.ShopVoucherSentEvent,
        "channels_ec_voucher_send_succ",
        {
            "voucher_list": [
                {"code": "V1", "status": 1, "order_id": "O1", "product_id": "P1", "sku_id": "S1", "openid": "oUser"},
                {"code": "V2", "status": 5, "order_id": "O2", "product_id": "P2", "sku_id": "S2", "openid": "oOther"},
            ]
        },
    ),
    # Shops, members, sharers, customer service
    (
        w.ShopMemberJoinEvent,
        "channels_ec_vip_join",
        {"user_info": {"join_time": 1662480000, "phone_number": "13800000000"}},
    ),
    (w.ShopMemberCloseEvent, "channels_ec_vip_close", {"user_info": {"close_time": 1662480000}}),
    (
        w.ShopMemberGradeUpdateEvent,
        "channels_ec_vip_grade_info_update",
        {"user_info": {"grade": 2, "experience_value": 100}},
    ),
    (
        w.ShopMemberScoreUpdateEvent,
        "channels_ec_vip_score_update",
        {"user_info": {"score": 100, "delta_score": -10, "flow_type": 3}},
    ),
    (
        w.ShopMemberScoreExchangeEvent,
        "channels_ec_vip_score_exchange",
        {
            "exchange_info": {"pay_score": 100, "score_item_type": 1}
            | {"coupon_info": {"related_coupon_id": 1234}, "product_info": {"related_product_id": 5678}}
        },
    ),
    (
        w.ShopMemberTaskAwardEvent,
        "channels_ec_vip_task_award",
        {
            "task_info": {"task_id": 123, "task_name": "task"}
            | {"award_info": {"award_type": 1, "coupon_id": 1234, "gain_score": 100}}
        },
    ),
    (
        w.LinkedMemberAddEvent,
        "channels_ec_vip_user_auto_add",
        {"info": {"shop_appid": "wxshop", "outer_userid": "u1", "identity": "V1", "add_time": 1666673734}},
    ),
    (w.LinkedMemberInfoGetEvent, "channels_ec_vip_user_info_get", {"info": {"shop_appid": "wxshop"}}),
    (
        w.ShopSharerChangeEvent,
        "channels_ec_sharer_change",
        {"openid": "oSharer", "sharer_type": 1, "bind_status": 2},
    ),
    (w.ShopServiceMessageEvent, "commkf_send_msg_to_kf", {"msg_id": 42, "msg_type": "text", "msg_event": "new"}),
    # Shops, the account
    (w.ShopAccountEvent, "channels_ec_acct_notify", {"account_info": {"event": 1}}),
    (w.ShopWithdrawalEvent, "channels_ec_withdraw_notify", {"withdraw_info": {"withdraw_id": "W1", "event": 3}}),
    (w.ShopQrCodeStatusEvent, "qrcode_status", {"qrcode_info": {"ticket": "q", "status": 1, "scan_user_type": 2}}),
    (w.ShopStatusChangeEvent, "channels_ec_change_status", {}),
    (w.ShopCloseEvent, "channels_ec_close_store", {"appid": "wxshop", "close_timestamp": "1662480000"}),
    (
        w.ShopNicknameEvent,
        "set_shop_nickname",
        {"appid": "wxshop", "old_nickname": "旧昵称", "new_nickname": "新昵称"},
    ),
    (w.ShopHeadImageEvent, "set_shop_headimg", {}),
    (w.ShopApiDiffEvent, "api_diff", {}),
    (w.DropshipOrderNewEvent, "dropship_order_new", {"ds_order_id": "4400123343235833535"}),
    (w.DropshipOrderCancelEvent, "dropship_order_cancel", {"ds_order_id": "4400123343235833535"}),
    (w.DropshipOrderUpdateEvent, "dropship_order_update", {"ds_order_id": "4400123343235833535", "update_time": 14}),
    (
        w.ElectronicWaybillPathEvent,
        "ewaybill_push_path",
        {
            "waybill_info": {"ewaybill_order_id": 123123123123123, "waybill_id": "SF1", "update_time": 1231231}
            | {"status": 1, "desc": "delivered"}
        },
    ),
    # The trade component of a Mini Program
    (
        w.OpenProductOrderPayEvent,
        "open_product_order_pay",
        {
            "order_info": {"out_order_id": "123456", "order_id": 1234567, "transaction_id": "42000000123123"}
            | {"pay_time": "2021-12-30 22:31:00", "amount": 100, "payer_amount": 90, "sp_openid": "oSp"}
        },
    ),
    *(
        (model, name, {"order_info": {"out_order_id": "123456", "order_id": 1234567}})
        for model, name in (
            (w.OpenProductOrderCancelEvent, "open_product_order_cancel"),
            (w.OpenProductOrderConfirmEvent, "open_product_order_confirm"),
            (w.OpenProductOrderRefundEvent, "open_product_order_refund"),
            (w.OpenProductOrderAnalyzeEvent, "open_product_order_analyze"),
            (w.FundsOrderPayEvent, "funds_order_pay"),
            (w.FundsOrderRefundEvent, "funds_order_refund"),
            (w.FundsOrderProfitSharingEvent, "funds_order_profitsharing"),
        )
    ),
    (
        w.OpenProductOrderSettleEvent,
        "open_product_order_settle",
        {"order_info": {"settle_no": "S1", "amount": 100, "settle_time": "2021-12-30 22:31:00"}},
    ),
    (w.OpenProductWithdrawalEvent, "withdraw_notify", {}),
    *(
        (
            model,
            name,
            {wrapper: {"out_product_id": "p1", "product_id": 7, "status": 3, "spu_status": 11, "reject_reason": "no"}},
        )
        for model, name, wrapper in (
            (w.OpenProductSpuAuditEvent, "open_product_spu_audit", "OpenProductSpuAudit"),
            (w.OpenProductSpuStatusEvent, "open_product_spu_status_update", "OpenProductSpuStatusUpdate"),
            (w.OpenProductSpuStatusEvent, "open_product_spu_status_update", "OpenProductSpuAudit"),
        )
    ),
    *(
        (
            model,
            name,
            {
                "QualificationAuditResult": {"audit_id": "jAAAAKZy_-MCABBCrbEpIg", "status": 9, "audit_type": 1}
                | {"reject_reason": "paper", "brand_id": "40676"}
            },
        )
        for model, name in (
            (w.OpenProductCategoryAuditEvent, "open_product_category_audit"),
            (w.OpenProductBrandAuditEvent, "open_product_brand_audit"),
        )
    ),
    (w.OpenProductSceneAuditEvent, "open_product_scene_group_audit", {}),
    (w.OpenProductAccountRegisterEvent, "open_product_account_register", {}),
    (w.OpenProductReceiveCouponEvent, "open_product_receive_coupon", {"out_coupon_id": "C1", "request_id": "R1"}),
    (w.OpenProductSharerActionEvent, "miniprogram_sharer_action", {"openid": "oSharer"}),
    (w.OpenProductSharerBindEvent, "miniprogram_sharer_bind_status_change", {"openid": "oSharer"}),
    *(
        (model, name, {"aftersale_info": {"aftersale_id": 4000000001, "out_aftersale_id": "A1"}})
        for model, name in (
            (w.AftersaleNewOrderEvent, "aftersale_new_order"),
            (w.AftersaleUpdateOrderEvent, "aftersale_update_order"),
            (w.AftersaleUserCancelEvent, "aftersale_user_cancel"),
            (w.AftersaleRefundSuccessEvent, "aftersale_refund_success"),
            (w.AftersaleWaitReceiptEvent, "aftersale_wait_merchant_confirm_receipt"),
            (w.AftersaleWaitReceiptOverdueEvent, "aftersale_wait_merchant_confirm_receipt_overdue"),
            (w.AftersaleWaitOfflineRefundEvent, "aftersale_wait_merchant_offline_refund"),
            (w.AftersaleComplaintEvent, "aftersale_complaint_update_order_state"),
        )
    ),
    (w.ComplaintEvent, "complaint_callback", {"BussiCallBackInfo": _COMPLAINT}),
    (w.ComplaintEvent, "complaint callback", _COMPLAINT),
    # Mini games
    (
        w.MiniGameGiftEvent,
        "minigame_deliver_goods",
        {
            "MiniGame": {"OrderId": "G1", "IsPreview": 0, "ToUserOpenid": "oPlayer", "Zone": 1001, "GiftTypeId": 3}
            | {"GiftId": "gift", "SendTime": 1714112440, "GoodsList": [{"Id": "sword", "Num": 2}]}
        },
    ),
    *(
        (model, name, {"MiniGame": {"Payload": payload, "PayEventSig": "0f", "IsMock": True}})
        for model, name, payload in (
            (w.MiniGameGoodsEvent, "minigame_game_pay_goods_deliver_notify", _PAYLOAD),
            (w.MiniGameStoreGoodsEvent, "minigame_h5_goods_deliver_notify", _PAYLOAD),
            (w.MiniGameStoreGoodsEvent, "minigame_deliver_h5_pay_products", _PAYLOAD),
            (w.MiniGameCoinsEvent, "minigame_coin_deliver_completed", _COINS),
        )
    ),
    # Official accounts
    (
        w.UpdateInvoiceStatusEvent,
        "update_invoice_status",
        {"Status": "INVOICE_REIMBURSE_INIT", "CardId": "pCard", "Code": "1234"},
    ),
    (
        w.CloudInvoiceResultEvent,
        "cloud_invoice_invoiceresult_event",
        {"fpqqlsh": "fp1", "nsrsbh": "tax1", "status": "0"},
    ),
    (
        w.AuthorizeInvoiceEvent,
        "user_authorize_invoice",
        {"SuccOrderId": "O1", "FailOrderId": "O2", "AppId": "wxapp", "Source": "web"},
    ),
    (
        w.AuthorizeInvoiceEvent,
        "user_authorize_invoice",
        {"SuccOrderId": "O1", "FailOrderId": "O2", "AuthorizeAppId": "wxapp", "Source": "web"},
    ),
    (w.CardMerchantCheckResultEvent, "card_merchant_check_result", {"MerchantId": 12, "IsPass": 1, "Reason": "ok"}),
    (w.GuideQrCodeScanEvent, "guide_qrcode_scan_event", {"GuideScanEvent": _GUIDE}),
    (w.GuideQrCodeScanEvent, "guide_qrcode_scan_event", dict(_GUIDE)),
    (w.GuideInviteResultEvent, "guide_invite_result_event", {}),
    (w.GuideBuyerAddedEvent, "add_guide_buyer_relation_event", {}),
    (w.UserScanProductEvent, "user_scan_product", _SCANNED),
    (w.UserScanProductEnterSessionEvent, "user_scan_product_enter_session", _SCANNED),
    (w.UserScanProductAsyncEvent, "user_scan_product_async", _SCANNED | {"RegionCode": "440105"}),
    (
        w.UserScanProductVerifyActionEvent,
        "user_scan_product_verify_action",
        {"KeyStandard": "ean13", "KeyStr": "690", "Result": "verify_not_pass", "ReasonMsg": "no"},
    ),
    (w.UserInfoModifiedEvent, "user_info_modified", {"openid": "oUser", "appid": "wxapp"}),
    # Mini Programs of a platform
    (w.NicknameAuditEvent, "wxa_nickname_audit", {"ret": 3, "nickname": "cup", "reason": "fine"}),
    (
        w.TrialAuthorizationApplyEvent,
        "betaapp_authorization_apply_event",
        {"ApplyAuthorizationInfoNoitfy": _TRIAL | {"ticket": "t"}},
    ),
    (w.TrialVerifyApplyEvent, "betaapp_verify_apply_event", {"ApplyAuthorizationInfoNoitfy": _TRIAL}),
    (w.TrialVerifyEvent, "betaapp_verify_event", {"ApplyAuthorizationInfoNoitfy": _TRIAL}),
    (
        w.TrialAdministratorEvent,
        "betaapp_reuse_merchant_ID_appid_administrator_authorization_apply_event",
        {"ApplyPersonalAuthorizationInfoNotify": _TRIAL},
    ),
    (
        w.TrialMerchantEvent,
        "betaapp_reuse_merchant_ID_merchant_administrator_authorization_apply_event",
        {
            "ApplyMerchantAdminAuthorizationInfoNotify": {"appid": "wxmini", "status": 0, "taskid": "k"}
            | {"authorize_appid_administrator_url": "https://a", "operation_time": 123456}
            | {"authorize_merchant_administrator_status": 1}
        },
    ),
]

LANES: Final[dict[str, str]] = {
    "channels_ec_aftersale_update": str(ORDER_ID),
    "channels_ec_present_aftersale_update": str(ORDER_ID),
    "channels_ec_complaint_update": str(ORDER_ID),
    "channels_ec_guarantee_update": str(ORDER_ID),
    **dict.fromkeys(("product_spu_audit", "product_spu_listing", "product_spu_update"), "10000"),
    **dict.fromkeys(("product_category_audit", "channels_ec_brand"), "A1"),
    **dict.fromkeys(
        ("channels_ec_stock_no_enough", "head_supplier_item_update", "ec_supplier_product_update"),
        "P1",
    ),
    **dict.fromkeys(
        (f"channels_ec_coupon_{what}" for what in ("create", "delete", "expire", "info_change", "invalid")), "C1"
    ),
    "channels_ec_voucher_send_succ": "channels_ec_voucher_send_succ",
    "channels_ec_sharer_change": "oSharer",
    "channels_ec_acct_notify": "channels_ec_acct_notify",
    "channels_ec_withdraw_notify": "W1",
    "qrcode_status": "qrcode_status",
    **{name: name for name in ("channels_ec_change_status", "channels_ec_close_store", "set_shop_nickname")},
    **{name: name for name in ("set_shop_headimg", "api_diff", "withdraw_notify", "open_product_account_register")},
    **{name: name for name in ("open_product_scene_group_audit",)},
    **dict.fromkeys((f"dropship_order_{what}" for what in ("new", "cancel", "update")), "4400123343235833535"),
    "ewaybill_push_path": "123123123123123",
    "open_product_order_settle": "S1",
    **dict.fromkeys((f"funds_order_{what}" for what in ("pay", "refund", "profitsharing")), "1234567"),
    **dict.fromkeys(("open_product_spu_audit", "open_product_spu_status_update"), "7"),
    **dict.fromkeys(("open_product_category_audit", "open_product_brand_audit"), "jAAAAKZy_-MCABBCrbEpIg"),
    **dict.fromkeys(("complaint_callback", "complaint callback"), "1001"),
    "card_merchant_check_result": "12",
    "user_scan_product_verify_action": "690",
    "wxa_nickname_audit": "wxa_nickname_audit",
    **dict.fromkeys(
        (name for _, name, _ in SAMPLES if name.startswith("betaapp_")),
        "wxmini",
    ),
}
"""Of the events that no user sends: what they are about, which names their lane."""
USERS: Final[dict[str, str]] = {
    **dict.fromkeys((name for _, name, _ in SAMPLES if name.startswith("minigame_")), "oPlayer"),
    "user_info_modified": "oUser",
}
"""Of the events about a user that WeChat sends itself: the user. All others are sent by their user."""
