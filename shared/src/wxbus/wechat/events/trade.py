"""Orders of a Mini Program: shipping, settlement, retail payment (protocol reference 6.2)."""

from wxbus.wechat.messages.base import Int, PlatformEvent


class RemindAccessApiEvent(PlatformEvent):
    """The Mini Program must report its shipping."""

    event: str = "trade_manage_remind_access_api"
    msg: str = ""


class TradeControlledEvent(PlatformEvent):
    """The Mini Program's trade is restricted."""

    event: str = "wxa_trade_controlled"
    msg: str = ""


class TradeOrderEvent(PlatformEvent):
    """An event of a paid order."""

    transaction_id: str = ""
    merchant_id: str = ""
    sub_merchant_id: str = ""
    merchant_trade_no: str = ""
    pay_time: Int = None
    msg: str = ""


class RemindShippingEvent(TradeOrderEvent):
    """An order must be shipped."""

    event: str = "trade_manage_remind_shipping"


class OrderSettlementEvent(TradeOrderEvent):
    """An order was shipped or settled, or will be settled; fields of later steps are None."""

    event: str = "trade_manage_order_settlement"
    shipped_time: Int = None
    estimated_settlement_time: Int = None
    confirm_receive_method: Int = None
    """1 by the user, 2 automatically."""
    confirm_receive_time: Int = None
    settlement_time: Int = None


class RetailEvent(PlatformEvent):
    """An event of a retail payment."""

    appid: str = ""
    mchid: str = ""
    out_trade_no: str = ""
    order_id: str = ""
    order_amount: Int = None
    env: Int = None


class RetailPayEvent(RetailEvent):
    """A retail payment was made."""

    event: str = "retail_pay_notify"


class RetailRefundEvent(RetailEvent):
    """A retail payment was refunded."""

    event: str = "retail_refund_notify"
    out_refund_no: str = ""
    refund_id: str = ""
    refund_amount: Int = None
    refund_status: str = ""
    wxpay_refund_id: str = ""


class InsuranceClaimEvent(PlatformEvent):
    """A claim for returned goods was decided; its fields are in `model_extra`."""

    event: str = "wxainsurance_claim_result"
