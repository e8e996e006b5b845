"""Parcels and instant delivery (protocol reference 6.2); the carriers' events want an answer of their own (4.4)."""

from pydantic import Field

from wxbus.wechat.messages.base import Event, Int, Many, Part


class WaybillAction(Part):
    """One step of a parcel's way."""

    action_time: Int = None
    action_type: Int = None
    action_msg: str = ""


class AddExpressPathEvent(Event):
    """A parcel moved."""

    event: str = "add_express_path"
    delivery_id: str = Field(default="", alias="DeliveryID")
    waybill_id: str = Field(default="", alias="WayBillId")
    order_id: str = ""
    version: Int = None
    count: Int = None
    actions: Many[WaybillAction] = ()


class UpdateWaybillStatusEvent(Event):
    """An instant delivery moved; its fields are in `model_extra`."""

    event: str = "update_waybill_status"


class UpdateBusinessBindResultEvent(Event):
    """A carrier accepted or refused us; its fields are in `model_extra`."""

    event: str = "update_business_bind_result"


class CarrierEvent(Event):
    """What a carrier is asked to do, and must answer at once; the other fields are in `model_extra`."""

    token: str = ""
    order_id: str = Field(default="", alias="OrderID")
    waybill_id: str = Field(default="", alias="WayBillID")


class AddWaybillEvent(CarrierEvent):
    """Make a waybill."""

    event: str = "add_waybill"


class AddSingleWaybillEvent(CarrierEvent):
    """Make a waybill for one parcel of a private sender."""

    event: str = "add_single_waybill"


class CancelWaybillEvent(CarrierEvent):
    """Cancel a waybill."""

    event: str = "cancel_waybill"


class CancelSingleWaybillEvent(CarrierEvent):
    """Cancel a private sender's waybill."""

    event: str = "cancel_single_waybill"


class CheckBizEvent(CarrierEvent):
    """Check a merchant's account."""

    event: str = "check_biz"


class GetQuotaEvent(CarrierEvent):
    """Tell how many waybills a merchant has left."""

    event: str = "get_quota"


class QuerySingleWaybillEvent(CarrierEvent):
    """Tell about a private sender's waybill."""

    event: str = "query_single_waybill"


class QuerySingleWaybillFeeEvent(CarrierEvent):
    """Tell what a private sender's parcel costs."""

    event: str = "query_single_waybill_fee"


class WaybillNotifyQueryEvent(CarrierEvent):
    """Tell about the notices of a waybill."""

    event: str = "waybill_notify_query"


class WaybillExpectTimeRangeEvent(CarrierEvent):
    """Tell when a parcel can be fetched."""

    event: str = "waybill_query_expect_time_range"


class SingleWaybillPayEvent(CarrierEvent):
    """A private sender paid."""

    event: str = "notify_single_waybill_pay"


class RemindWaybillEvent(CarrierEvent):
    """A sender asks to hurry."""

    event: str = "remind_waybill"


class WaybillComplaintEvent(CarrierEvent):
    """A sender complains."""

    event: str = "waybill_complaint"


class WaybillEvaluateAgentEvent(CarrierEvent):
    """A sender rated who fetched the parcel."""

    event: str = "waybill_evaluate_agent"


class TransportEvent(Event):
    """What an instant carrier is asked to do, and must answer at once; its fields are in `model_extra`."""


class TransportCancelOrderEvent(TransportEvent):
    """Cancel a delivery."""

    event: str = "transport_cancel_order"


class TransportPreCancelOrderEvent(TransportEvent):
    """Tell what it costs to cancel a delivery."""

    event: str = "transport_precancel_order"


class TransportQueryOrderStatusEvent(TransportEvent):
    """Tell about a delivery."""

    event: str = "transport_query_order_status"


class TransportConfirmReturnEvent(TransportEvent):
    """The goods came back to the merchant."""

    event: str = "transport_confirm_return_to_biz"
