"""Models of the shipping of paid orders."""

from enum import IntEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AwareDatetime, Field, PlainSerializer

from wxbus.api.declaration import Answer, Part, Refused, Timestamp

UploadTime: TypeAlias = Annotated[
    AwareDatetime,
    PlainSerializer(lambda time: time.isoformat(timespec="milliseconds"), return_type=str),
    Refused(268485216),
]
"""A moment with a timezone; a later one replaces what was uploaded before."""
MAX_PARCELS: Final = 15


class LogisticsType(IntEnum):
    """The way of delivery."""

    EXPRESS = 1
    LOCAL = 2
    VIRTUAL = 3
    PICK_UP = 4


class DeliveryMode(IntEnum):
    """Whether all goods are in one delivery."""

    UNIFIED = 1
    SPLIT = 2
    """By express only."""


class OrderKey(Part):
    """Names an order by WeChat Pay's id, or by yours."""

    order_number_type: Literal[1, 2]
    """1: `mchid` and `out_trade_no`, 2: `transaction_id`."""
    transaction_id: str | None = None
    mchid: str | None = None
    out_trade_no: str | None = None


class Payer(Part):
    """The buyer."""

    openid: str = Field(min_length=1, max_length=128)


class ShippingContact(Part):
    """Phone numbers, masked but for the last four digits: 189****1234. SF Express needs one."""

    consignor_contact: str | None = None
    receiver_contact: str | None = None


class Parcel(Part):
    """One delivery."""

    item_desc: str = Field(min_length=1, max_length=120)
    express_company: str | None = Field(default=None, max_length=128)
    """The carrier, by `waybill_messages.carriers`; required for express."""
    tracking_no: str | None = Field(default=None, max_length=128)
    contact: ShippingContact | None = None


class SubOrder(Part):
    """One order of a combined payment."""

    order_key: OrderKey
    logistics_type: LogisticsType
    delivery_mode: DeliveryMode
    shipping_list: list[Parcel] = Field(min_length=1, max_length=MAX_PARCELS)
    is_all_delivered: bool | None = None


class ShippedParcel(Answer):
    """One delivery of an order."""

    tracking_no: str = ""
    express_company: str = ""
    goods_desc: str = ""
    upload_time: Timestamp | None = None


class OrderShipping(Answer):
    """The deliveries of an order."""

    delivery_mode: int = 0
    logistics_type: int = 0
    finish_shipping: bool = False
    finish_shipping_count: int = 0
    goods_desc: str = ""
    shipping_list: tuple[ShippedParcel, ...] = ()


class ShippingOrder(Answer):
    """A paid order."""

    transaction_id: str = ""
    merchant_id: str = ""
    sub_merchant_id: str = ""
    merchant_trade_no: str = ""
    description: str = ""
    openid: str = ""
    paid_amount: int = 0
    """In fen."""
    order_state: int = 0
    """1 to ship, 2 shipped, 3 received, 4 done, 5 refunded, 6 funds pending."""
    pay_time: Timestamp | None = None
    trade_create_time: Timestamp | None = None
    in_complaint: bool = False
    shipping: OrderShipping | None = None


class ShippingOrderPage(Answer):
    """A page of paid orders."""

    order_list: tuple[ShippingOrder, ...] = ()
    has_more: bool = False
    last_index: str = ""
    """For the next page."""


class PayTimeRange(Part):
    """The time range of the payments."""

    begin_time: Timestamp | None = None
    end_time: Timestamp | None = None


class Material(Part):
    """A document for an application."""

    type: int
    media_id: str


class ComplaintMaterial(Answer):
    """The texts and media that a buyer sent."""

    content: str = ""
    media_ids: tuple[str, ...] = Field(default=(), alias="mediaIdList")


class ComplaintStep(Answer):
    """A step of a complaint."""

    kind: int = Field(default=0, alias="itemType")
    content: str = ""
    media_ids: tuple[str, ...] = Field(default=(), alias="mediaIdList")
    time: Timestamp | None = None
    phone: str = Field(default="", alias="phoneNumber")
    blame: int = Field(default=0, alias="blameResult")


class ComplaintOrder(Answer):
    """A complaint about an order."""

    complaint_order_id: str = Field(alias="complaintOrderId")
    openid: str = Field(default="", alias="openId")
    type: int = 0
    status: int = 0
    appeal_state: int = Field(default=0, alias="appealState")
    order_id: str = Field(default="", alias="orderId")
    out_trade_no: str = Field(default="", alias="outTradeNo")
    product_name: str = Field(default="", alias="productName")
    phone: str = Field(default="", alias="phoneNumber")
    material: ComplaintMaterial | None = Field(default=None, alias="customerMaterial")
    created: Timestamp | None = Field(default=None, alias="createTime")
    expires: Timestamp | None = Field(default=None, alias="expireTime")


class ComplaintDetails(Answer):
    """A complaint and its steps, the last one first."""

    order: ComplaintOrder | None = Field(default=None, alias="complaintOrder")
    steps: tuple[ComplaintStep, ...] = Field(default=(), alias="item")


class Guarantee(Answer):
    """Whether the Mini Program has the mark of safe trade."""

    is_active: bool = Field(default=False, alias="isActived")
    message: str = Field(default="", alias="msg")
    reasons: tuple[str, ...] = ()


class Penalty(Answer):
    """A violation."""

    order_id: str = Field(default="", alias="orderId")
    complaint_order_id: str = Field(default="", alias="complaintOrderId")
    illegal_order_id: str = Field(default="", alias="illegalOrderId")
    reason: str = Field(default="", alias="illegalWording")
    status: int = 0
    minus_score: int = Field(default=0, alias="minusScore")
    time: Timestamp | None = Field(default=None, alias="illegalTime")


class Penalties(Answer):
    """A page of violations, and the score."""

    current_score: int = Field(default=0, alias="currentScore")
    total: int = Field(default=0, alias="totalNum")
    items: tuple[Penalty, ...] = Field(default=(), alias="appealList")
