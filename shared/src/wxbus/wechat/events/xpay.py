"""Virtual payment (protocol reference 6.2); WeChat retries for hours until the response is a success (4.4)."""

from pydantic import Field

from wxbus.wechat.messages.base import Event, Int, Maybe, Part


class WeChatPayInfo(Part):
    """The payment."""

    mch_order_no: str = ""
    transaction_id: str = ""
    paid_time: Int = None


class GoodsInfo(Part):
    """The purchased goods; prices in fen."""

    product_id: str = ""
    quantity: Int = None
    orig_price: Int = None
    actual_price: Int = None
    attach: str = ""


class CoinInfo(Part):
    """The purchased coins; prices in fen."""

    quantity: Int = None
    orig_price: Int = None
    actual_price: Int = None
    attach: str = ""


class TeamInfo(Part):
    """The group purchase."""

    activity_id: str = ""
    team_id: str = ""
    team_type: Int = None
    team_action: Int = None


class XpayEvent(Event):
    """An event of virtual payment; WeChat is the sender, the user is in `open_id`."""

    open_id: str = ""
    retry_times: Int = None
    """Counted from 0."""


class XpayOrderEvent(XpayEvent):
    """An event of an order."""

    out_trade_no: str = ""
    env: Int = None
    """0 live, 1 sandbox."""


class XpayGoodsDeliverEvent(XpayOrderEvent):
    """Goods are paid: deliver them."""

    event: str = "xpay_goods_deliver_notify"
    wechat_pay_info: Maybe[WeChatPayInfo] = Field(default=None, alias="WeChatPayInfo")
    goods_info: Maybe[GoodsInfo] = None
    team_info: Maybe[TeamInfo] = None


class XpayCoinPayEvent(XpayOrderEvent):
    """Coins are paid: credit them."""

    event: str = "xpay_coin_pay_notify"
    wechat_pay_info: Maybe[WeChatPayInfo] = Field(default=None, alias="WeChatPayInfo")
    coin_info: Maybe[CoinInfo] = None
    team_info: Maybe[TeamInfo] = None


class XpayRefundEvent(XpayEvent):
    """A payment was refunded."""

    event: str = "xpay_refund_notify"
    wx_refund_id: str = ""
    mch_refund_id: str = ""
    wx_order_id: str = ""
    mch_order_id: str = ""
    refund_fee: Int = None
    ret_code: Int = None
    ret_msg: str = ""
    refund_start_timestamp: Int = None
    refund_succ_timestamp: Int = None
    wxpay_refund_transaction_id: str = ""
    team_info: Maybe[TeamInfo] = None


class XpayComplaintEvent(XpayEvent):
    """A user complains about a payment."""

    event: str = "xpay_complaint_notify"
    wx_order_id: str = ""
    mch_order_id: str = ""
    transaction_id: str = ""
    complaint_id: str = ""
    complaint_detail: str = ""
    complaint_time: str = ""
    request_id: str = ""


class XpayCallbackEvent(XpayEvent):
    """WeChat Pay investigates or punishes the merchant."""

    event: str = "xpay_wxpay_callback_notify"
    app_id: str = ""
    nick_name: str = ""
    merchant_code: str = ""
    merchant_company_name: str = ""
    business_time: str = ""
    business_code: str = ""
    business_state: str = ""
    remark: str = ""
    event_type: str = ""
    """`due_diligence` or `punishment`."""


class XpaySubscribeEvent(XpayOrderEvent):
    """An event of a subscription."""

    product_id: str = ""
    contract_id: str = ""
    contract_result: str = ""
    contract_result_msg: str = ""
    attach: str = ""


class XpaySubscribeSigningEvent(XpaySubscribeEvent):
    """A subscription succeeded or failed."""

    event: str = "xpay_subscribe_signing_result_notify"


class XpaySubscribePayFailEvent(XpaySubscribeEvent):
    """The payment of a subscription failed."""

    event: str = "xpay_subscribe_pay_fail_notify"


class XpayAppleSubscribeSigningEvent(XpaySubscribeEvent):
    """A subscription through Apple succeeded or failed."""

    event: str = "xpay_apple_subscribe_signing_result_notify"


class XpayAppleSubscribeUnsigningEvent(XpaySubscribeEvent):
    """A user ended a subscription through Apple."""

    event: str = "xpay_apple_subscribe_unsigning_result_notify"


class XpayIosRefundQueryEvent(XpayEvent):
    """Apple asks whether a refund is due."""

    event: str = "xpay_subscribe_ios_refund_query_notify"
    refund_time: str = Field(default="", alias="refund_time")
    order_time: str = Field(default="", alias="order_time")
    channel_bill: str = Field(default="", alias="channel_bill")
    product_id: str = Field(default="", alias="product_id")
    p_count: Int = Field(default=None, alias="p_count")
    refund_request_reason: str = Field(default="", alias="refund_request_reason")
    provide_status: str = Field(default="", alias="provide_status")
    pay_order_id: str = Field(default="", alias="pay_order_id")
