"""Local delivery by couriers, with contracts of your own with the carriers.

Cancellations by carriers are `TransportEvent`s. `delivery_sign` is `wxbus.api.endpoints.local_orders.sign(...)`.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, OpenId, Timestamp, post
from wxbus.api.endpoints.local_orders import (
    ERRORS,
    BoundShop,
    Cancellation,
    DeliveryPrice,
    LocalCargo,
    LocalCarrier,
    LocalOrder,
    LocalOrderState,
    OrderInfo,
    Place,
    ShopGoods,
)

Sign: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{40}$", examples=["0" * 40])]
ShopId: TypeAlias = Annotated[Id, Key("shopid")]


class LocalDelivery(Family):
    """Local delivery by couriers."""

    title = "即时配送"
    kinds = ("mini_program",)

    @post("/cgi-bin/express/local/business/open", name="openDelivery", title="申请开通即时配送", repeat=Repeat.READ)
    async def enable(self) -> None:
        """Enable local delivery for the Mini Program."""

    @post(
        "/cgi-bin/express/local/business/delivery/getall",
        name="getAllImmeDelivery",
        title="获取已支持的配送公司列表",
        repeat=Repeat.READ,
    )
    async def carriers(self) -> Annotated[list[LocalCarrier], Key("list")]:
        """Return the carriers."""

    @post("/cgi-bin/express/local/business/shop/add", name="bindLocalAccount", title="发起绑定请求", repeat=Repeat.READ)
    async def bind(self, delivery_id: Id) -> None:
        """Ask a carrier to bind its account; the carrier reviews it."""

    @post("/cgi-bin/express/local/business/shop/get", name="getBindAccount", title="拉取已绑定账号", repeat=Repeat.READ)
    async def shops(self) -> Annotated[list[BoundShop], Key("shop_list")]:
        """Return the accounts at carriers."""

    @post(
        "/cgi-bin/express/local/business/order/pre_add",
        name="preAddOrder",
        title="预下配送单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def quote(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        delivery_id: Id,
        openid: OpenId,
        sender: Place,
        receiver: Place,
        cargo: LocalCargo,
        order_info: OrderInfo,
        shop: ShopGoods,
        *,
        sub_biz_id: Id | None = None,
        delivery_token: str | None = None,
    ) -> DeliveryPrice:
        """Return the price of a delivery; nothing is ordered."""

    @post(
        "/cgi-bin/express/local/business/order/add",
        name="addLocalOrder",
        title="添加配送单",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def order(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        delivery_id: Id,
        openid: OpenId,
        sender: Place,
        receiver: Place,
        cargo: LocalCargo,
        order_info: OrderInfo,
        shop: ShopGoods,
        *,
        sub_biz_id: Id | None = None,
        delivery_token: str | None = None,
    ) -> LocalOrder:
        """Order a delivery; `shop_order_id` is an id of yours, which WeChat accepts once (930562)."""

    @post(
        "/cgi-bin/express/local/business/order/readd",
        name="reOrder",
        title="重新下单",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def order_again(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        delivery_id: Id,
        openid: OpenId,
        sender: Place,
        receiver: Place,
        cargo: LocalCargo,
        order_info: OrderInfo,
        shop: ShopGoods,
        *,
        sub_biz_id: Id | None = None,
        delivery_token: str | None = None,
    ) -> LocalOrder:
        """Repeat the order of a delivery that was cancelled or failed."""

    @post(
        "/cgi-bin/express/local/business/order/addtips",
        name="addTips",
        title="添加小费",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def add_tip(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        waybill_id: Id,
        openid: OpenId,
        tips: Annotated[float, Field(gt=0)],
        remark: str,
    ) -> None:
        """Add a tip for the courier, in yuan."""

    @post(
        "/cgi-bin/express/local/business/order/precancel",
        name="preCancelOrder",
        title="预取消配送单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def quote_cancellation(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        delivery_id: Id,
        waybill_id: Id,
        *,
        cancel_reason_id: int | None = None,
        cancel_reason: str | None = None,
    ) -> Cancellation:
        """Return the cost of a cancellation."""

    @post(
        "/cgi-bin/express/local/business/order/cancel",
        name="cancelLocalOrder",
        title="取消配送单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def cancel(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        delivery_id: Id,
        cancel_reason_id: int,
        cancel_reason: str,
        *,
        waybill_id: Id | None = None,
    ) -> Cancellation:
        """Cancel a delivery.

        The reasons: 1 not needed, 2 wrong goods, 3 no courier came, 4 the courier is late, 5 others.
        """

    @post(
        "/cgi-bin/express/local/business/order/confirm_return",
        name="abnormalConfirm",
        title="异常件退回商家确认",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def confirm_return(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        shop_no: Id,
        waybill_id: Id,
        *,
        remark: str | None = None,
    ) -> None:
        """Confirm that the courier brought the goods back."""

    @post(
        "/cgi-bin/express/local/business/order/get",
        name="getLocalOrder",
        title="拉取配送单信息",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def find(self, shop_id: ShopId, shop_order_id: Id, delivery_sign: Sign, shop_no: Id) -> LocalOrderState:
        """Return the status of a delivery, and where the courier is."""

    @post(
        "/cgi-bin/express/local/business/test_update_order",
        name="mockUpdateOrder",
        title="模拟配送公司更新配送单状态",
        repeat=Repeat.SEND,
    )
    async def test_update(
        self,
        shop_order_id: Id,
        order_status: int,
        action_time: Timestamp,
        *,
        shop_id: Annotated[Literal["test_shop_id"], Key("shopid")] = "test_shop_id",
        delivery_sign: Sign | None = None,
        action_msg: str | None = None,
    ) -> None:
        """Simulate a change of a delivery of the test shop, with its event."""

    @post(
        "/cgi-bin/express/local/business/realmock_update_order",
        name="realMockUpdateOrder",
        title="模拟更新配送单状态",
        repeat=Repeat.SEND,
    )
    async def test_update_of_shop(
        self,
        shop_id: ShopId,
        shop_order_id: Id,
        delivery_sign: Sign,
        order_status: int,
        action_time: Timestamp,
        *,
        action_msg: str | None = None,
    ) -> None:
        """Simulate a change of a delivery of a real shop, with its event."""
