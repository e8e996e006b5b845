"""After-sale cases of the trade component (`trade_component`) and complaints; pushed as XML or JSON."""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Many, Maybe, PlatformEvent, PlatformPart, WrappedEvent


class Aftersale(PlatformPart):
    """An after-sale case."""

    aftersale_id: str = ""
    out_aftersale_id: str = ""
    """The merchant's id."""


class AftersaleEvent(PlatformEvent):
    """An event of an after-sale case."""

    aftersale_info: Maybe[Aftersale] = None


class AftersaleNewOrderEvent(AftersaleEvent):
    """A user asked for a refund or a return."""

    event: str = "aftersale_new_order"


class AftersaleUpdateOrderEvent(AftersaleEvent):
    """A user changed an after-sale case."""

    event: str = "aftersale_update_order"


class AftersaleUserCancelEvent(AftersaleEvent):
    """A user withdrew an after-sale case."""

    event: str = "aftersale_user_cancel"


class AftersaleRefundSuccessEvent(AftersaleEvent):
    """The refund of an after-sale case arrived."""

    event: str = "aftersale_refund_success"


class AftersaleWaitReceiptEvent(AftersaleEvent):
    """Goods were returned: confirm their receipt."""

    event: str = "aftersale_wait_merchant_confirm_receipt"


class AftersaleWaitReceiptOverdueEvent(AftersaleEvent):
    """The receipt of goods was not confirmed in time."""

    event: str = "aftersale_wait_merchant_confirm_receipt_overdue"


class AftersaleWaitOfflineRefundEvent(AftersaleEvent):
    """WeChat cannot refund; the merchant must refund."""

    event: str = "aftersale_wait_merchant_offline_refund"


class AftersaleComplaintEvent(AftersaleEvent):
    """A complaint changed the state of an order."""

    event: str = "aftersale_complaint_update_order_state"


class ComplaintHistory(PlatformPart):
    """One step of a complaint."""

    time: Int = None
    """Seconds since the epoch."""
    content: str = ""
    media_id_list: Many[str] = ()


class ComplaintEvent(WrappedEvent):
    """A user complains about an order; times are seconds since the epoch.

    XML has the fields in one element. JSON has them next to the header, and a blank in the event's name.
    """

    event: str = "complaint_callback"
    other_names = ("complaint callback",)
    wrapper = "BussiCallBackInfo"
    appid: str = ""
    option_type: str = ""
    complaint_order_id: str = ""
    open_id: str = ""
    """Of the user who complains."""
    type: Int = None
    status: Int = None
    phone_number: str = Field(default="", repr=False)
    customer_material_content: str = ""
    customer_material_media_id_list: str = ""
    """Media ids, separated by commas."""
    order_id: str = ""
    out_trade_no: str = ""
    product_name: str = ""
    pay_time: Int = None
    total_cost: Int = None
    """Fen."""
    create_time: Int = None
    expire_time: Int = None
    history: Many[ComplaintHistory] = ()
