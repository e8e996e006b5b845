"""Waybills of express carriers, for orders of a Mini Program."""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, OpenId, Secret, Timestamp, get, post
from wxbus.api.endpoints.express_orders import (
    Cargo,
    Carrier,
    CarrierAccount,
    Contact,
    DeliveryId,
    FoundWaybill,
    Insurance,
    OrderId,
    Path,
    Printers,
    ServiceType,
    Shop,
    Waybill,
    WaybillOrder,
)

CARRIER_ERRORS: Final = (9300501, 9300502, 9300503)
"""The carrier refused (its reason is in the text), failed, or is unknown."""
ADD_ERRORS: Final = (
    *CARRIER_ERRORS, 40003, 930559, 930561, 930564, 9300506, 9300510, 9300525, 9300526, 9300531, 9300534, 9300535,
    9300536
)  # fmt: skip


class Express(Family):
    """Waybills of express carriers. Each step of a parcel is an `AddExpressPathEvent`."""

    title = "物流下单"
    kinds = ("mini_program",)

    @post("/cgi-bin/express/business/account/bind", name="bindAccount", title="绑定/解绑物流账号", repeat=Repeat.READ)
    async def bind(
        self,
        biz_id: Id,
        delivery_id: DeliveryId,
        *,
        password: Secret | None = None,
        remark: Annotated[str | None, Key("remark_content")] = None,
        action: Annotated[Literal["bind", "unbind"], Key("type")] = "bind",
    ) -> None:
        """Bind the Mini Program to an account at a carrier, or unbind it; the carrier may review it."""

    @get(
        "/cgi-bin/express/business/account/getall",
        name="getAllAccount",
        title="获取所有绑定的物流账号",
        repeat=Repeat.READ,
    )
    async def accounts(self) -> Annotated[list[CarrierAccount], Key("list")]:
        """Return the accounts at carriers."""

    @get(
        "/cgi-bin/express/business/delivery/getall",
        name="getAllDelivery",
        title="获取支持的快递公司列表",
        repeat=Repeat.READ,
    )
    async def carriers(self) -> Annotated[list[Carrier], Key("data")]:
        """Return the carriers and their services."""

    @post("/cgi-bin/express/business/quota/get", name="getQuota", title="获取电子面单余额", repeat=Repeat.READ)
    async def waybills_left(self, delivery_id: DeliveryId, biz_id: Id) -> Annotated[int, Key("quota_num")]:
        """Return the number of prepaid waybills that are left at a carrier."""

    @post("/cgi-bin/express/business/printer/update", name="updatePrinter", title="配置面单打印员", repeat=Repeat.READ)
    async def update_printer(
        self,
        openid: OpenId,
        *,
        action: Annotated[Literal["bind", "unbind"], Key("update_type")] = "bind",
        tag_ids: Annotated[str | None, Key("tagid_list")] = None,
    ) -> None:
        """Let a user print all waybills or those with tags ("1,2"), or revoke this."""

    @get("/cgi-bin/express/business/printer/getall", name="getPrinter", title="获取打印员", repeat=Repeat.READ)
    async def printers(self) -> Printers:
        """Return the users who may print waybills."""

    @post(
        "/cgi-bin/express/business/order/add",
        name="addOrder",
        title="生成运单",
        repeat=Repeat.SEND,
        errcodes=ADD_ERRORS,
    )
    async def add_order(
        self,
        order_id: OrderId,
        delivery_id: DeliveryId,
        biz_id: Id,
        sender: Contact,
        receiver: Contact,
        cargo: Cargo,
        shop: Shop,
        insured: Insurance,
        service: ServiceType,
        *,
        openid: str = "",
        add_source: Literal[0, 2] = 0,
        wx_appid: Id | None = None,
        custom_remark: str | None = None,
        tag_id: Annotated[int | None, Key("tagid")] = None,
        expect_time: Timestamp | None = None,
    ) -> Waybill:
        """Create a waybill, and notify the user; `order_id` is an id of yours, which WeChat accepts once (9300506).

        `add_source` is 2 for orders of an app or a website, without openid but with `wx_appid`.
        """

    @post(
        "/cgi-bin/express/business/order/batchget", name="batchGetOrder", title="批量获取运单数据", repeat=Repeat.READ
    )
    async def orders(
        self, orders: Annotated[list[WaybillOrder], Field(min_length=1, max_length=100), Key("order_list")]
    ) -> Annotated[list[FoundWaybill], Key("order_list")]:
        """Return up to 100 waybills."""

    @post(
        "/cgi-bin/express/business/order/cancel",
        name="cancelOrder",
        title="取消运单",
        repeat=Repeat.READ,
        errcodes=CARRIER_ERRORS,
    )
    async def cancel_order(
        self, order_id: OrderId, delivery_id: DeliveryId, waybill_id: Id, *, openid: OpenId | None = None
    ) -> None:
        """Cancel a waybill."""

    @post(
        "/cgi-bin/express/business/order/get",
        name="getOrder",
        title="获取运单数据",
        repeat=Repeat.READ,
        errcodes=CARRIER_ERRORS,
    )
    async def order(
        self,
        order_id: OrderId,
        delivery_id: DeliveryId,
        *,
        waybill_id: Id | None = None,
        openid: OpenId | None = None,
        print_type: Literal[0, 1] | None = None,
    ) -> Waybill:
        """Return a waybill; `print_type` 1 is one page, 0 two."""

    @post(
        "/cgi-bin/express/business/path/get",
        name="getPath",
        title="查询运单轨迹",
        repeat=Repeat.READ,
        errcodes=CARRIER_ERRORS,
    )
    async def path(
        self, order_id: OrderId, delivery_id: DeliveryId, waybill_id: Id, *, openid: OpenId | None = None
    ) -> Path:
        """Return the route of a parcel so far."""

    @post(
        "/cgi-bin/express/business/test_update_order",
        name="testUpdateOrder",
        title="模拟更新订单状态",
        repeat=Repeat.SEND,
    )
    async def test_update(
        self,
        order_id: OrderId,
        waybill_id: Id,
        action_time: Timestamp,
        action_type: int,
        action_msg: str,
        *,
        biz_id: Literal["test_biz_id"] = "test_biz_id",
        delivery_id: Literal["TEST"] = "TEST",
    ) -> None:
        """Simulate a step of a parcel of the carrier TEST, with its event."""
