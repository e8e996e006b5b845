"""Parcels and instant delivery (protocol reference 6.2); carrier events need a response (4.4)."""

from pydantic import Field

from wxbus.wechat.messages.base import Event, Int, Many, Part


class WaybillAction(Part):
    """One step of a parcel's route."""

    action_time: Int = None
    action_type: Int = None
    action_msg: str = ""


class AddExpressPathEvent(Event):
    """The state of a parcel changed."""

    event: str = "add_express_path"
    delivery_id: str = Field(default="", alias="DeliveryID")
    waybill_id: str = Field(default="", alias="WayBillId")
    order_id: str = ""
    version: Int = None
    count: Int = None
    actions: Many[WaybillAction] = ()


class UpdateWaybillStatusEvent(Event):
    """The state of an instant delivery changed; its fields are in `model_extra`."""

    event: str = "update_waybill_status"


class UpdateBusinessBindResultEvent(Event):
    """A carrier accepted or refused the merchant; its fields are in `model_extra`."""

    event: str = "update_business_bind_result"


class CarrierEvent(Event):
    """A request to a carrier that needs a response; the other fields are in `model_extra`."""

    token: str = ""
    order_id: str = Field(default="", alias="OrderID")
    waybill_id: str = Field(default="", alias="WayBillID")


class AddWaybillEvent(CarrierEvent):
    """Create a waybill."""

    event: str = "add_waybill"


class AddSingleWaybillEvent(CarrierEvent):
    """Create a waybill for a private sender's parcel."""

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
    """Return a merchant's remaining waybills."""

    event: str = "get_quota"


class QuerySingleWaybillEvent(CarrierEvent):
    """Return a private sender's waybill."""

    event: str = "query_single_waybill"


class QuerySingleWaybillFeeEvent(CarrierEvent):
    """Return the price of a private sender's parcel."""

    event: str = "query_single_waybill_fee"


class WaybillNotifyQueryEvent(CarrierEvent):
    """Return the notices of a waybill."""

    event: str = "waybill_notify_query"


class WaybillExpectTimeRangeEvent(CarrierEvent):
    """Return when a parcel can be picked up."""

    event: str = "waybill_query_expect_time_range"


class SingleWaybillPayEvent(CarrierEvent):
    """A private sender paid."""

    event: str = "notify_single_waybill_pay"


class RemindWaybillEvent(CarrierEvent):
    """A sender asks for a faster pick-up."""

    event: str = "remind_waybill"


class WaybillComplaintEvent(CarrierEvent):
    """A sender complains."""

    event: str = "waybill_complaint"


class WaybillEvaluateAgentEvent(CarrierEvent):
    """A sender rated the courier."""

    event: str = "waybill_evaluate_agent"


class TransportEvent(Event):
    """A request to an instant carrier that needs a response; its fields are in `model_extra`."""


class TransportCancelOrderEvent(TransportEvent):
    """Cancel a delivery."""

    event: str = "transport_cancel_order"


class TransportPreCancelOrderEvent(TransportEvent):
    """Return the price of cancelling a delivery."""

    event: str = "transport_precancel_order"


class TransportQueryOrderStatusEvent(TransportEvent):
    """Return the state of a delivery."""

    event: str = "transport_query_order_status"


class TransportConfirmReturnEvent(TransportEvent):
    """The goods were returned to the merchant."""

    event: str = "transport_confirm_return_to_biz"
