"""WeChat's own city delivery, for the stores of a Mini Program."""

from typing import Annotated, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Flag, Id, Key, OpenId, post
from wxbus.api.endpoints.city_stores import (
    ERRORS,
    CityCargo,
    CityOrder,
    CityOrderCargo,
    CityOrderState,
    CityPrice,
    ServedCities,
    Store,
    StoreAddress,
    StoreContent,
    StoreIds,
    StoreKeys,
)


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
        "/cgi-bin/express/intracity/getcity",
        name="intracity_getcity",
        title="查询支持同城配送的城市",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def cities(self, *, service_trans_id: Id | None = None) -> Annotated[list[ServedCities], Key("support_list")]:
        """Return the cities of each carrier, or of one."""

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
        """Return the price of a delivery; nothing is ordered."""

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
        """Return the status of a delivery."""

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

    @post(
        "/cgi-bin/express/intracity/mocknotify",
        name="intracity_mocknotify",
        title="模拟回调接口",
        repeat=Repeat.SEND,
        errcodes=ERRORS,
    )
    async def test_update(
        self,
        order_status: int,
        *,
        wx_store_id: Id | None = None,
        store_order_id: Id | None = None,
        wx_order_id: Id | None = None,
    ) -> None:
        """Simulate a change of a delivery in the sandbox of the service, with its callback."""
