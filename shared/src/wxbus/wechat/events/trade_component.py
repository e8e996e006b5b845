"""The trade component in its "custom version": a Mini Program's own shop in Channels, the predecessor of WeChat Shop.

Its pushes come as XML or JSON. Times are text like `2021-12-30 22:31:00` or seconds since the epoch, amounts are fen.
"""

from pydantic import AliasChoices, Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class OpenProductOrder(PlatformPart):
    """An order; absent members are "" or None."""

    out_order_id: str = ""
    """The merchant's id."""
    order_id: str = ""
    transaction_id: str = ""
    """Of the payment."""
    pay_time: str = ""
    amount: Int = None
    payer_amount: Int = None
    sp_openid: str = ""
    settle_no: str = ""
    settle_time: str = ""


class OpenProductOrderEvent(PlatformEvent):
    """An event of an order."""

    order_info: Maybe[OpenProductOrder] = None


class OpenProductOrderPayEvent(OpenProductOrderEvent):
    """An order was paid."""

    event: str = "open_product_order_pay"


class OpenProductOrderCancelEvent(OpenProductOrderEvent):
    """An order was cancelled."""

    event: str = "open_product_order_cancel"


class OpenProductOrderConfirmEvent(OpenProductOrderEvent):
    """The receipt of an order was confirmed."""

    event: str = "open_product_order_confirm"


class OpenProductOrderRefundEvent(OpenProductOrderEvent):
    """An order was refunded."""

    event: str = "open_product_order_refund"


class OpenProductOrderAnalyzeEvent(OpenProductOrderEvent):
    """The source of an order was determined."""

    event: str = "open_product_order_analyze"


class OpenProductOrderSettleEvent(OpenProductOrderEvent):
    """Orders were settled."""

    event: str = "open_product_order_settle"


class FundsOrderPayEvent(OpenProductOrderEvent):
    """The payment of an order arrived."""

    event: str = "funds_order_pay"


class FundsOrderRefundEvent(OpenProductOrderEvent):
    """The payment of an order was refunded."""

    event: str = "funds_order_refund"


class FundsOrderProfitSharingEvent(OpenProductOrderEvent):
    """The payment of an order was shared."""

    event: str = "funds_order_profitsharing"


class OpenProductWithdrawal(PlatformPart):
    """A withdrawal; its fields are in `model_extra`."""


class OpenProductWithdrawalEvent(PlatformEvent):
    """The state of a withdrawal changed."""

    event: str = "withdraw_notify"
    withdraw_info: Maybe[OpenProductWithdrawal] = None


class OpenProductSpu(PlatformPart):
    """The state of a product."""

    out_product_id: str = ""
    """The merchant's id."""
    product_id: str = ""
    status: Int = None
    """3 refused, 4 passed."""
    spu_status: Int = None
    reject_reason: str = ""


class OpenProductSpuAuditEvent(PlatformEvent):
    """A product was reviewed."""

    event: str = "open_product_spu_audit"
    product: Maybe[OpenProductSpu] = Field(default=None, alias="OpenProductSpuAudit")


class OpenProductSpuStatusEvent(PlatformEvent):
    """WeChat took a product off sale; the structure has one of two names."""

    event: str = "open_product_spu_status_update"
    product: Maybe[OpenProductSpu] = Field(
        default=None,
        validation_alias=AliasChoices("OpenProductSpuStatusUpdate", "OpenProductSpuAudit"),
        serialization_alias="OpenProductSpuStatusUpdate",
    )


class QualificationAudit(PlatformPart):
    """The result of a review."""

    audit_id: str = ""
    status: Int = None
    """1 passed, 9 refused."""
    audit_type: Int = None
    """1 brand, 2 category."""
    reject_reason: str = ""
    brand_id: str = ""


class QualificationAuditEvent(PlatformEvent):
    """A qualification was reviewed."""

    result: Maybe[QualificationAudit] = Field(default=None, alias="QualificationAuditResult")


class OpenProductCategoryAuditEvent(QualificationAuditEvent):
    """A category was reviewed."""

    event: str = "open_product_category_audit"


class OpenProductBrandAuditEvent(QualificationAuditEvent):
    """A brand was reviewed."""

    event: str = "open_product_brand_audit"


class SceneGroupAudit(PlatformPart):
    """The result of a scene's review; its fields are in `model_extra`."""


class OpenProductSceneAuditEvent(PlatformEvent):
    """A scene of the component was reviewed."""

    event: str = "open_product_scene_group_audit"
    result: Maybe[SceneGroupAudit] = Field(default=None, alias="SceneGroupAudit")


class OpenProductAccountRegisterEvent(PlatformEvent):
    """The component was opened or closed; the fields are in `model_extra`."""

    event: str = "open_product_account_register"


class OpenProductReceiveCouponEvent(PlatformEvent):
    """A user takes a coupon.

    WeChat needs a response with `ret_code`, `ret_msg`, `out_coupon_id`, `out_user_coupon_id` and `request_id`: list the
    event under `synchronous` in the accounts file.
    """

    event: str = "open_product_receive_coupon"
    out_coupon_id: str = ""
    request_id: str = ""


class OpenProductSharerEvent(PlatformEvent):
    """An event of a sharer; more fields are in `model_extra`."""

    openid: str = ""
    """Of the sharer."""


class OpenProductSharerActionEvent(OpenProductSharerEvent):
    """A sharer did something."""

    event: str = "miniprogram_sharer_action"


class OpenProductSharerBindEvent(OpenProductSharerEvent):
    """A sharer was bound or unbound."""

    event: str = "miniprogram_sharer_bind_status_change"
