"""Models of orders and waybills of express carriers."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.declaration import Answer, Id, Part, Refused, Timestamp

OrderId: TypeAlias = Annotated[str, Field(min_length=1, max_length=512)]
DeliveryId: TypeAlias = Annotated[Id, Refused(9300503)]


class Contact(Part):
    """The sender or receiver of a parcel; `tel` or `mobile` is required."""

    name: str = Field(min_length=1, max_length=64)
    province: str = Field(max_length=64)
    city: str = Field(max_length=64)
    area: str = Field(max_length=64)
    address: str = Field(max_length=512)
    tel: str | None = None
    mobile: str | None = None
    company: str | None = None
    post_code: str | None = None
    country: str | None = None


class CargoItem(Part):
    """One kind of goods in a parcel."""

    name: str = Field(min_length=1, max_length=128)
    count: int = Field(ge=1)


class Cargo(Part):
    """A parcel; kilograms and centimetres."""

    count: int = Field(ge=1)
    """Number of parcels."""
    weight: float = Field(ge=0)
    space_x: float = Field(ge=0)
    space_y: float = Field(ge=0)
    space_z: float = Field(ge=0)
    detail_list: list[CargoItem] = Field(min_length=1)


class ShopItem(Part):
    """Goods that the user sees in the notice."""

    goods_name: str
    goods_img_url: str
    goods_desc: str | None = None


class Shop(Part):
    """The content of the notice to the user."""

    wxa_path: str
    """The page of the order."""
    detail_list: list[ShopItem] = Field(min_length=1)


class Insurance(Part):
    """The insurance of a parcel."""

    use_insured: Literal[0, 1]
    insured_value: int = Field(ge=0)
    """In fen."""


class ServiceType(Part):
    """A service of the carrier, as `carriers` lists them."""

    service_type: int
    service_name: str


class OfferedService(Answer):
    """A service of the carrier."""

    service_type: int
    service_name: str = ""


class CarrierAccount(Answer):
    """An account at a carrier, bound to the Mini Program."""

    biz_id: str
    delivery_id: str
    status_code: int = 0
    """0 bound, 1 under review, 2 refused, 3 unbound ..."""
    alias: str = ""
    remark_content: str = ""
    remark_wrong_msg: str = ""
    quota_num: int = 0
    service_type: tuple[OfferedService, ...] = ()
    create_time: Timestamp | None = None
    update_time: Timestamp | None = None


class Carrier(Answer):
    """A carrier."""

    delivery_id: str
    delivery_name: str = ""
    can_use_cash: bool = False
    can_get_quota: bool = False
    cash_biz_id: str = ""
    service_type: tuple[OfferedService, ...] = ()


class WaybillField(Answer):
    """One field of a waybill."""

    key: str
    value: str = ""


class Waybill(Answer):
    """A waybill."""

    order_id: str = ""
    delivery_id: str = ""
    waybill_id: str = ""
    waybill_data: tuple[WaybillField, ...] = ()
    print_html: str = ""
    """HTML in Base64."""
    order_status: int | None = None
    """0 normal, 1 cancelled."""


class FoundWaybill(Waybill):
    """A waybill in a list."""

    errcode: int = 0
    """Not 0: it was not found."""
    errmsg: str = ""


class PathItem(Answer):
    """A step of a parcel."""

    action_time: Timestamp
    action_type: int
    """100001 collected, 200001 on its way, 300002 being delivered, 300003 delivered ..."""
    action_msg: str = ""


class Path(Answer):
    """The route of a parcel."""

    waybill_id: str = ""
    delivery_id: str = ""
    openid: str = ""
    path_item_list: tuple[PathItem, ...] = ()


class WaybillOrder(Part):
    """Names a waybill in a list."""

    order_id: OrderId
    delivery_id: Id
    waybill_id: Id | None = None


class Printers(Answer):
    """The users who may print waybills."""

    openids: tuple[str, ...] = Field(default=(), alias="openid")
    tag_ids: tuple[str, ...] = Field(default=(), alias="tagid_list")
