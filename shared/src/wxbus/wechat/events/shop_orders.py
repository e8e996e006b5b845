"""Orders, after-sale cases, complaints and guarantees of a WeChat Shop.

WeChat retries order events up to ten times in about 3.6 hours until it gets a response. `from_user` of an order event
is the buyer's openid. An id is text: WeChat writes some as numbers of 64 bits.
"""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class ShopOrder(PlatformPart):
    """An order; absent members are "" or None."""

    order_id: str = ""
    pay_time: Int = None
    """Seconds since the epoch."""
    settle_time: Int = None
    """Seconds since the epoch."""
    cancel_type: Int = None
    """1 by the buyer, 2 not paid in time, 3 fully refunded."""
    finish_delivery: Int = None
    """1: all goods are shipped; 0: some of them."""
    confirm_type: Int = None
    """1 by the buyer, 2 automatically."""
    type: Int = None
    """Type of the changed information."""


class ShopOrderEvent(PlatformEvent):
    """An order of the shop changed."""

    order_info: Maybe[ShopOrder] = None


class ShopOrderNewEvent(ShopOrderEvent):
    """A buyer placed an order."""

    event: str = "channels_ec_order_new"


class ShopOrderCancelEvent(ShopOrderEvent):
    """An order was cancelled, see `order_info.cancel_type`."""

    event: str = "channels_ec_order_cancel"


class ShopOrderPayEvent(ShopOrderEvent):
    """An order was paid."""

    event: str = "channels_ec_order_pay"


class ShopOrderWaitShippingEvent(ShopOrderEvent):
    """An order can be shipped."""

    event: str = "channels_ec_order_wait_shipping"


class ShopOrderDeliverEvent(ShopOrderEvent):
    """Goods of an order were shipped, see `order_info.finish_delivery`."""

    event: str = "channels_ec_order_deliver"


class ShopOrderConfirmEvent(ShopOrderEvent):
    """The receipt of an order was confirmed, see `order_info.confirm_type`."""

    event: str = "channels_ec_order_confirm"


class ShopOrderSettleEvent(ShopOrderEvent):
    """An order was settled."""

    event: str = "channels_ec_order_settle"


class ShopOrderInfoUpdateEvent(ShopOrderEvent):
    """Additional information of an order changed, such as its address or remark."""

    event: str = "channels_ec_order_ext_info_update"


class ShopVipDiscountEvent(ShopOrderEvent):
    """An order uses a member's discount; sent to the Mini Program of the membership."""

    event: str = "channels_ec_order_use_vip_discount"


class ProductOrderStatus(PlatformPart):
    """The state of an order."""

    order_id: str = ""
    status: Int = None


class ProductOrderStatusUpdateEvent(PlatformEvent):
    """The state of an order changed."""

    event: str = "product_order_status_update"
    product_order_status_update: Maybe[ProductOrderStatus] = Field(default=None, alias="ProductOrderStatusUpdate")


class LinkedShopOrder(PlatformPart):
    """An order of another shop."""

    order_id: str = ""
    """The channel's id of the order."""
    shop_appid: str = ""


class LinkedShopOrderEvent(PlatformEvent):
    """A linked shop got an order; sent to the Mini Program as XML or JSON, and retried like order events."""

    event: str = "cooperation_shop_order"
    other_names = ("related_shop_order_submission",)
    data: Maybe[LinkedShopOrder] = Field(default=None, alias="Data")
    event_data: Maybe[LinkedShopOrder] = Field(default=None, alias="EventData")
    """The same under another name; WeChat sends one of them."""


class ShopAftersale(PlatformPart):
    """An after-sale case."""

    after_sale_order_id: str = ""
    order_id: str = ""
    status: str = ""
    """`USER_CANCELD` (sic), `MERCHANT_PROCESSING`, `MERCHANT_REJECT_REFUND`, `MERCHANT_REJECT_RETURN`,
    `USER_WAIT_RETURN`, `RETURN_CLOSED`, `MERCHANT_WAIT_RECEIPT`, `MERCHANT_OVERDUE_REFUND`,
    `MERCHANT_REFUND_SUCCESS`, `MERCHANT_RETURN_SUCCESS`, `PLATFORM_REFUNDING` ..."""
    wxa_vip_discounted_price: Int = None
    """Member discount in fen."""


class ShopAftersaleUpdateEvent(PlatformEvent):
    """An after-sale case changed."""

    event: str = "channels_ec_aftersale_update"
    finder_shop_aftersale_status_update: Maybe[ShopAftersale] = None


class ShopPresentAftersaleUpdateEvent(PlatformEvent):
    """An after-sale case of a present changed."""

    event: str = "channels_ec_present_aftersale_update"
    finder_shop_present_aftersale_status_update: Maybe[ShopAftersale] = None


class ShopComplaint(PlatformPart):
    """A buyer's complaint."""

    complaint_id: str = ""
    after_sale_order_id: str = ""
    order_id: str = ""
    complaint_status: Int = None
    """100 to 116, 305, 307."""


class ShopComplaintUpdateEvent(PlatformEvent):
    """A buyer's complaint changed."""

    event: str = "channels_ec_complaint_update"
    finder_shop_complaint: Maybe[ShopComplaint] = None


class ShopGuarantee(PlatformPart):
    """A case of the buyer's guarantee."""

    guarantee_order_id: str = ""
    order_id: str = ""
    status: str = ""


class ShopGuaranteeUpdateEvent(PlatformEvent):
    """A case of the buyer's guarantee changed."""

    event: str = "channels_ec_guarantee_update"
    finder_shop_guarantee_status_update: Maybe[ShopGuarantee] = None
