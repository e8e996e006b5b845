"""WeChat's own city delivery, for the stores of a Mini Program."""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Flag, Id, Key, OpenId, Timestamp, post
from wxbus.api.endpoints.city_stores import (
    Balances,
    CityCargo,
    CityOrder,
    CityOrderCargo,
    CityOrderState,
    CityPrice,
    Flows,
    PayMode,
    Store,
    StoreAddress,
    StoreContent,
    StoreIds,
    StoreKeys,
)

ERRORS: Final = (
    934000, 934001, 934002, 934003, 934005, 934006, 934007, 934008, 934009, 934010, 934011, 934012, 934013, 934014,
    934015, 934016, 934017, 934018, 934019, 934020, 934021, 934022, 934023, 934999
)  # fmt: skip
"""934002: the order runs already, as after a repeated call."""

Mode = Literal["PAY_MODE_STORE", "PAY_MODE_APP", "PAY_MODE_COMPONENT"]


class CityDelivery(Family):
    """WeChat's own city delivery. Money is in fen."""

    title = "同城配送"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/express/intracity/apply",
        name="intracity_apply",
        title="开通门店权限",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def enable(self) -> None:
        """Enable stores for the Mini Program."""

    @post(
        "/cgi-bin/express/intracity/createstore",
        name="intracity_createstore",
        title="创建门店",
        repeat=Repeat.SEND,
        errcodes=ERRORS,
    )
    async def create_store(
        self,
        out_store_id: Id,
        name: Annotated[str, Field(min_length=1), Key("store_name")],
        address: Annotated[StoreAddress, Key("address_info")],
        *,
        order_pattern: Literal[1, 2] = 1,
        preferred_carrier: Annotated[str | None, Key("service_trans_prefer")] = None,
    ) -> StoreIds:
        """Create a store; `out_store_id` is an id of yours, which WeChat accepts once (934010)."""

    @post(
        "/cgi-bin/express/intracity/updatestore",
        name="intracity_updatestore",
        title="更新门店",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def update_store(self, keys: StoreKeys, content: StoreContent) -> StoreIds:
        """Change a store."""

    @post(
        "/cgi-bin/express/intracity/querystore",
        name="intracity_querystore",
        title="查询门店",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def stores(
        self, *, out_store_id: Id | None = None, wx_store_id: Id | None = None
    ) -> Annotated[list[Store], Key("store_list")]:
        """Return a store, or all."""

    @post(
        "/cgi-bin/express/intracity/storecharge",
        name="intracity_storecharge",
        title="门店运费充值",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def charge(
        self,
        service_trans_id: Id,
        amount: Annotated[int, Field(ge=1)],
        *,
        wx_store_id: Id | None = None,
        pay_mode: Mode | None = None,
    ) -> Annotated[str, Key("payurl")]:
        """Return the address of the page on which the store pays in advance."""

    @post(
        "/cgi-bin/express/intracity/storerefund",
        name="intracity_store_refund",
        title="门店运费退款",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def refund(
        self, service_trans_id: Id, *, wx_store_id: Id | None = None, pay_mode: Mode | None = None
    ) -> Annotated[int, Key("refund_amount")]:
        """Refund what a store paid in advance; return the amount."""

    @post(
        "/cgi-bin/express/intracity/queryflow",
        name="intracity_queryflow",
        title="门店运费流水查询",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def flows(
        self,
        wx_store_id: Id,
        flow_type: Literal[1, 2, 3],
        *,
        pay_mode: Mode = "PAY_MODE_STORE",
        service_trans_id: Id | None = None,
        begin: Annotated[Timestamp | None, Key("begin_time")] = None,
        end: Annotated[Timestamp | None, Key("end_time")] = None,
    ) -> Flows:
        """Return payments (type 1), deductions (2) or refunds (3) of a store."""

    @post(
        "/cgi-bin/express/intracity/balancequery",
        name="intracity_balancequery",
        title="门店余额查询",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def balances(
        self, *, wx_store_id: Id | None = None, service_trans_id: Id | None = None, pay_mode: Mode | None = None
    ) -> Balances:
        """Return what is left for deliveries."""

    @post(
        "/cgi-bin/express/intracity/setpaymode",
        name="intracity_setpaymode",
        title="设置扣费主体",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def set_pay_mode(self, appid: Id, pay_mode: Mode) -> None:
        """Set who pays: the store, the Mini Program, or the third-party platform."""

    @post(
        "/cgi-bin/express/intracity/getpaymode",
        name="intracity_getpaymode",
        title="查询扣费主体",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def pay_mode(self, appid: Id) -> PayMode:
        """Return who pays."""

    @post(
        "/cgi-bin/express/intracity/preaddorder",
        name="intracity_preaddorder",
        title="查询运费",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def quote(
        self,
        wx_store_id: Id,
        user_name: str,
        user_phone: str,
        user_lng: float,
        user_lat: float,
        user_address: str,
        cargo: CityCargo,
        *,
        sandbox: Annotated[Flag, Key("use_sandbox")] = False,
    ) -> CityPrice:
        """Return what a delivery would cost; nothing is ordered."""

    @post(
        "/cgi-bin/express/intracity/addorder",
        name="intracity_addorder",
        title="创建配送单",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def order(
        self,
        wx_store_id: Id,
        store_order_id: Id,
        user_openid: OpenId,
        user_name: str,
        user_phone: str,
        user_lng: float,
        user_lat: float,
        user_address: str,
        order_path: Annotated[str, Field(min_length=1), Key("order_detail_path")],
        cargo: CityOrderCargo,
        *,
        order_seq: str | None = None,
        verify_code_type: Literal[0, 1, 2, 3] | None = None,
        callback_url: str | None = None,
        sandbox: Annotated[Flag, Key("use_sandbox")] = False,
    ) -> CityOrder:
        """Order a delivery; `store_order_id` is an id of yours, which WeChat accepts once (934002)."""

    @post(
        "/cgi-bin/express/intracity/queryorder",
        name="intracity_queryorder",
        title="查询配送单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def find(
        self, *, store_order_id: Id | None = None, wx_order_id: Id | None = None, wx_store_id: Id | None = None
    ) -> CityOrderState:
        """Return how far a delivery is."""

    @post(
        "/cgi-bin/express/intracity/cancelorder",
        name="intracity_cancelorder",
        title="取消配送单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def cancel(
        self,
        cancel_reason_id: int,
        *,
        store_order_id: Id | None = None,
        wx_order_id: Id | None = None,
        wx_store_id: Id | None = None,
        cancel_reason: str | None = None,
    ) -> CityOrderState:
        """Cancel a delivery; `deductfee` is what it costs."""
