"""Models of stores and orders of WeChat's own city delivery."""

from typing import Final

from pydantic import Field

from wxbus.api.declaration import Answer, Part, Timestamp

ERRORS: Final = (
    934000, 934001, 934002, 934003, 934005, 934006, 934007, 934008, 934009, 934010, 934011, 934012, 934013, 934014,
    934015, 934016, 934017, 934018, 934019, 934020, 934021, 934022, 934023, 934999
)  # fmt: skip
"""934002: the order runs already, as after a repeated call."""


class StoreAddress(Part):
    """The address of a store."""

    province: str
    city: str
    area: str
    street: str
    house: str
    lng: float
    lat: float
    phone: str


class StoreContent(Part):
    """The fields of a store that may change."""

    store_name: str | None = None
    order_pattern: int | None = None
    """1 the cheapest carrier, 2 the one in `service_trans_prefer`."""
    service_trans_prefer: str | None = None
    address_info: StoreAddress | None = None


class StoreKeys(Part):
    """Names a store by your id or by WeChat's."""

    out_store_id: str | None = None
    wx_store_id: str | None = None


class CityItem(Part):
    """One kind of goods."""

    item_name: str
    item_pic_url: str
    count: int = Field(ge=1)


class CityCargo(Part):
    """The goods to deliver; weights in grams, prices in fen."""

    cargo_name: str
    cargo_type: int
    cargo_weight: int = Field(ge=1)
    cargo_price: int = Field(ge=0)
    cargo_num: int = Field(ge=1)


class CityOrderCargo(CityCargo):
    """The goods to deliver, with the items that the user sees."""

    item_list: list[CityItem] = Field(min_length=1)


class StoreIds(Answer):
    """A store."""

    wx_store_id: str
    out_store_id: str = ""
    appid: str = ""


class StoreLocation(Answer):
    """The address of a store."""

    province: str = ""
    city: str = ""
    area: str = ""
    street: str = ""
    house: str = ""
    lng: float = 0
    lat: float = 0
    phone: str = ""


class Store(Answer):
    """A store in a list."""

    wx_store_id: str = ""
    out_store_id: str = ""
    city_id: str = ""
    order_pattern: int = 0
    service_trans_prefer: str = ""
    address_info: StoreLocation | None = None


class Balance(Answer):
    """The balance for one carrier, in fen."""

    balance: int = 0
    service_trans_id: str = ""
    service_trans_name: str = ""


class Balances(Answer):
    """The balances for deliveries, in fen."""

    wx_store_id: str = ""
    all_balance: int = 0
    balance_detail: tuple[Balance, ...] = ()


class Flow(Answer):
    """One payment, refund or deduction."""

    flow_type: int = 0
    """1 payment, 2 deduction, 3 refund."""
    wx_store_id: str = ""
    wx_order_id: str = ""
    pay_order_id: str = ""
    bill_id: str = ""
    service_trans_id: str = ""
    pay_amount: int = 0
    refund_amount: int = 0
    deduct_amount: int = 0
    pay_status: str = ""
    refund_status: str = ""
    pay_time: Timestamp | None = None
    refund_time: Timestamp | None = None
    create_time: Timestamp | None = None


class Flows(Answer):
    """Payments, refunds and deductions, in fen."""

    total: int = 0
    total_pay_amt: int = 0
    total_refund_amt: int = 0
    total_deduct_amt: int = 0
    flow_list: tuple[Flow, ...] = ()


class City(Answer):
    """A city."""

    city_code: str
    city_name: str = ""


class ServedCities(Answer):
    """The cities of one carrier."""

    service_trans_id: str = ""
    city_list: tuple[City, ...] = ()


class PayMode(Answer):
    """The payer of deliveries."""

    pay_mode: str
    """PAY_MODE_STORE, PAY_MODE_APP or PAY_MODE_COMPONENT."""
    pay_appid: str = ""
    pay_component_appid: str = ""


class CityPrice(Answer):
    """The price of a delivery."""

    est_fee: int = 0
    """In fen."""
    service_trans_id: str = ""
    distance: int = 0
    """Metres."""
    expected_finished_time: int = 0
    """Seconds."""
    promise_delivery_time: int = 0


class CityOrder(Answer):
    """An ordered delivery."""

    wx_order_id: str
    wx_store_id: str = ""
    store_order_id: str = ""
    service_trans_id: str = ""
    trans_order_id: str = ""
    waybill_id: str = ""
    distance: int = 0
    fee: int = 0
    """In fen."""
    fetch_code: str = ""
    order_seq: str = ""


class CityOrderState(Answer):
    """The status of a delivery."""

    wx_order_id: str = ""
    store_order_id: str = ""
    wx_store_id: str = ""
    order_status: int
    """10000 made, 20000 accepted, 30000 courier on the way, 50000 collected, 60000 delivered, 70000 cancelled ..."""
    user_openid: str = ""
    service_trans_id: str = ""
    actualfee: int = 0
    deductfee: int = 0
    """In fen, after a cancellation."""
    create_time: Timestamp | None = None
    accept_time: Timestamp | None = None
    fetch_time: Timestamp | None = None
    finish_time: Timestamp | None = None
    cancel_time: Timestamp | None = None
    fetch_code: str = ""
    recv_code: str = ""
