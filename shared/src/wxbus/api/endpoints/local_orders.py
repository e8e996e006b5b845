"""Models of orders of local deliveries, and their signature."""

import hashlib
from typing import Final, Literal

from pydantic import AliasChoices, Field, SecretStr

from wxbus.api.declaration import Answer, Part, Timestamp

ERRORS: Final = (
    930555, 930556, 930557, 930558, 930559, 930560, 930561, 930562, 930563, 930564, 930565, 9300535
)  # fmt: skip


def sign(shop_id: str, order_id: str, secret: SecretStr) -> str:
    """Return the signature of a call about an order; the carrier issues the `secret`."""
    return hashlib.sha1(f"{shop_id}{order_id}{secret.get_secret_value()}".encode()).hexdigest()  # noqa: S324 - WeChat's


class Place(Part):
    """The place where a courier collects or delivers."""

    name: str = Field(min_length=1, max_length=256)
    city: str = Field(min_length=1)
    address: str = Field(min_length=1)
    address_detail: str
    phone: str = Field(min_length=1, max_length=64)
    lng: float
    lat: float
    coordinate_type: Literal[0, 1] | None = None
    """0 Tencent and Gaode, 1 Baidu."""


class CargoGoods(Part):
    """One kind of goods."""

    good_count: int = Field(ge=1)
    good_name: str
    good_price: float | None = None
    good_unit: str | None = None


class CargoGoodsList(Part):
    """The goods."""

    goods: list[CargoGoods]


class LocalCargo(Part):
    """The goods to deliver; yuan, kilograms and centimetres."""

    goods_value: float
    goods_height: float
    goods_length: float
    goods_width: float
    goods_weight: float
    cargo_first_class: str
    cargo_second_class: str
    goods_detail: CargoGoodsList | None = None


class OrderInfo(Part):
    """The options of a delivery."""

    delivery_service_code: str | None = None
    order_type: Literal[0, 1] = 0
    """0 now, 1 at `expected_delivery_time`."""
    expected_delivery_time: Timestamp | None = None
    expected_pick_time: Timestamp | None = None
    poi_seq: str | None = None
    note: str | None = None
    tips: float | None = None
    is_insured: Literal[0, 1] | None = None
    is_finish_code_needed: Literal[0, 1] | None = None
    is_pickup_code_needed: Literal[0, 1] | None = None


class ShopGoods(Part):
    """The order as the user sees it."""

    wxa_path: str
    img_url: str
    goods_name: str
    goods_count: int = Field(ge=1)


class DeliveryPrice(Answer):
    """The price of a delivery, in yuan."""

    fee: float = 0
    deliverfee: float = 0
    couponfee: float = 0
    tips: float = 0
    insurancefee: float = Field(default=0, validation_alias=AliasChoices("insurancefee", "insurancfee"))
    """Some answers misspell it."""
    distance: int = 0
    """Metres."""
    dispatch_duration: int = 0
    """Seconds until a courier is found."""
    delivery_token: str = ""
    """For the order with this price."""


class LocalOrder(DeliveryPrice):
    """An order of a delivery."""

    waybill_id: str = ""
    order_status: int = 0
    finish_code: str = ""
    pickup_code: str = ""


class LocalOrderState(Answer):
    """The status of a delivery."""

    order_status: int
    waybill_id: str = ""
    rider_name: str = ""
    rider_phone: str = ""
    rider_lng: float = 0
    rider_lat: float = 0
    reach_time: Timestamp | None = None


class Cancellation(Answer):
    """The cost of a cancellation."""

    deduct_fee: float = 0
    """In yuan."""
    desc: str = ""


class LocalCarrier(Answer):
    """A carrier of local deliveries."""

    delivery_id: str
    delivery_name: str = ""


class BoundShop(Answer):
    """An account at a carrier."""

    delivery_id: str
    shop_id: str = Field(default="", alias="shopid")
    audit_result: int = 0
    """0 passed, 1 under review, 2 refused."""
