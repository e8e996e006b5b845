"""Shipping of orders that were paid with WeChat Pay: WeChat pays the merchant only after it.

Settlements and reminders are `OrderSettlementEvent`s and `RemindShippingEvent`s.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, Refused, Timestamp, get, post
from wxbus.api.endpoints.shipping_orders import (
    MAX_PARCELS,
    ComplaintDetails,
    DeliveryMode,
    Guarantee,
    LogisticsType,
    Material,
    OrderKey,
    Parcel,
    Payer,
    PayTimeRange,
    Penalties,
    ShippingOrder,
    ShippingOrderPage,
    SubOrder,
    UploadTime,
)

ORDER_ERRORS: Final = (10060001, 10060014, 10060019)
COMBINED_ERRORS: Final = (*ORDER_ERRORS, 10060002, 10060003, 10060004, 10060023)
UPLOAD_ERRORS: Final = (
    *COMBINED_ERRORS, 10060005, 10060006, 10060007, 10060008, 10060009, 10060020, 10060024, 10060025, 10060026,
    10060031, 268485194, 268485195, 268485196, 268485197, 268485216, 268485224, 268485226
)  # fmt: skip
SETUP_ERRORS: Final = (40097, 44990, 61011)


class Shipping(Family):
    """Shipping of paid orders."""

    title = "发货信息"
    kinds = ("mini_program",)

    @post(
        "/wxa/sec/order/upload_shipping_info",
        name="uploadShippingInfo",
        title="发货信息录入",
        repeat=Repeat.SEND,
        errcodes=UPLOAD_ERRORS,
    )
    async def upload(
        self,
        order: Annotated[OrderKey, Key("order_key")],
        payer: Payer,
        logistics_type: Annotated[LogisticsType, Refused(10060005)],
        parcels: Annotated[
            list[Parcel], Field(min_length=1, max_length=MAX_PARCELS), Key("shipping_list"), Refused(10060024)
        ],
        upload_time: UploadTime,
        *,
        delivery_mode: Annotated[DeliveryMode, Refused(268485224)] = DeliveryMode.UNIFIED,
        is_all_delivered: bool | None = None,
    ) -> None:
        """Report to WeChat and the buyer that an order is shipped.

        For a split delivery, `is_all_delivered` says whether this is the last part. One further report is allowed.
        """

    @post(
        "/wxa/sec/order/upload_combined_shipping_info",
        name="uploadCombinedShippingInfo",
        title="发货信息合单录入",
        repeat=Repeat.SEND,
        errcodes=COMBINED_ERRORS,
    )
    async def upload_combined(
        self,
        order: Annotated[OrderKey, Key("order_key")],
        payer: Payer,
        sub_orders: Annotated[list[SubOrder], Field(min_length=1)],
        upload_time: UploadTime,
    ) -> None:
        """Report to WeChat and the buyer that orders with a combined payment are shipped."""

    @post(
        "/wxa/sec/order/get_order", name="getOrder", title="查询订单发货状态", repeat=Repeat.READ, errcodes=ORDER_ERRORS
    )
    async def find(
        self,
        *,
        transaction_id: Id | None = None,
        merchant_id: Id | None = None,
        sub_merchant_id: Id | None = None,
        merchant_trade_no: Id | None = None,
    ) -> Annotated[ShippingOrder, Key("order")]:
        """Return an order by WeChat Pay's id, or by merchant and your number."""

    @post(
        "/wxa/sec/order/get_order_list",
        name="getOrderList",
        title="查询订单列表",
        repeat=Repeat.READ,
        errcodes=(10060011, 10060014, 10060019),
    )
    async def page(
        self,
        *,
        paid: Annotated[PayTimeRange | None, Key("pay_time_range")] = None,
        order_state: Literal[1, 2, 3, 4, 5] | None = None,
        openid: Id | None = None,
        last_index: str | None = None,
        page_size: Annotated[int, Field(ge=1, le=100)] = 100,
    ) -> ShippingOrderPage:
        """Return up to 100 orders; `last_index` of one page finds the next one."""

    @post(
        "/wxa/sec/order/notify_confirm_receive",
        name="notifyConfirmReceive",
        title="确认收货提醒",
        repeat=Repeat.SEND,
        errcodes=(10060001, 10060014, 10060028, 10060029),
    )
    async def remind_buyer(
        self,
        received_time: Timestamp,
        *,
        transaction_id: Id | None = None,
        merchant_id: Id | None = None,
        sub_merchant_id: Id | None = None,
        merchant_trade_no: Id | None = None,
    ) -> None:
        """Ask the buyer to confirm an express delivery, once for each order."""

    @post("/wxa/sec/order/set_msg_jump_path", name="setMsgJumPpath", title="消息跳转路径设置", repeat=Repeat.READ)
    async def set_message_path(self, path: Annotated[str, Field(min_length=1)]) -> None:
        """Set the page that WeChat's messages about shipping open."""

    @post(
        "/wxa/sec/order/is_trade_managed",
        name="isTradeManaged",
        title="查询小程序是否已开通发货信息管理服务",
        repeat=Repeat.READ,
        errcodes=SETUP_ERRORS,
    )
    async def is_managed(self, appid: Id) -> Annotated[bool, Key("is_trade_managed")]:
        """Return whether WeChat waits for the shipping of orders."""

    @post(
        "/wxa/sec/order/is_trade_management_confirmation_completed",
        name="isTradeManagementConfirmationCompleted",
        title="查询小程序是否已完成交易结算管理确认",
        repeat=Repeat.READ,
        errcodes=SETUP_ERRORS,
    )
    async def is_confirmed(self, appid: Id) -> Annotated[bool, Key("completed")]:
        """Return whether the owner confirmed that WeChat manages settlements."""

    @post(
        "/wxa/sec/order/opspecialorder",
        name="opspecialorder",
        title="特殊发货报备",
        repeat=Repeat.READ,
        errcodes=(268546000, 268546001, 268546002),
    )
    async def declare_special(
        self,
        order_id: Id,
        kind: Annotated[Literal[1, 2], Key("type"), Refused(268546000)],
        *,
        delay_to: Annotated[Timestamp | None, Refused(268546001)] = None,
    ) -> None:
        """Declare that an order is a pre-sale that ships until `delay_to` (1), or a test (2)."""

    @post(
        "/wxa/sec/order/setwxatradetypecgi",
        name="setwxatradetypecgi",
        title="小程序交易类型变更申请",
        repeat=Repeat.NEVER,
        errcodes=(268486048,),
    )
    async def apply_trade_type(
        self,
        trade_type: int,
        materials: Annotated[list[Material], Field(min_length=1), Key("material_list")],
        reason: Annotated[str, Field(min_length=1)],
    ) -> None:
        """Apply for another type of trade."""

    @post(
        "/wxa/sec/order/update_order_detail_path",
        name="update_order_detail_path",
        title="配置订单详情路径",
        repeat=Repeat.READ,
    )
    async def set_order_path(self, path: Annotated[str, Field(min_length=1)]) -> None:
        """Set the page of an order."""

    @post(
        "/wxa/sec/order/get_order_detail_path",
        name="get_order_detail_path",
        title="查询订单详情路径",
        repeat=Repeat.READ,
    )
    async def order_path(self) -> Annotated[str, Key("path")]:
        """Return the page of an order."""

    @get(
        "/wxaapi/wxamptrade/get_guarantee_status",
        name="GetGuaranteeStatus",
        title="获取交易保障标状态",
        repeat=Repeat.READ,
        errcodes=(200002,),
    )
    async def guarantee(self) -> Guarantee:
        """Return whether the Mini Program has the mark of safe trade."""

    @get(
        "/wxaapi/wxamptrade/get_penalty_list",
        name="GetPenaltyList",
        title="获取小程序交易体验分违规记录",
        repeat=Repeat.READ,
        errcodes=(20002, 200002),
    )
    async def penalties(
        self, *, offset: Annotated[int, Field(ge=0)] = 0, limit: Annotated[int, Field(ge=1, le=100)] = 20
    ) -> Penalties:
        """Return violations of the rules of trade, and the score."""

    @get("/wxaapi/minishop/complaintOrderDetail", name="getOrderDetail", title="查询投诉单详情", repeat=Repeat.READ)
    async def complaint(self, complaint_order_id: Annotated[Id, Key("complaintOrderId")]) -> ComplaintDetails:
        """Return a complaint about an order, which `penalties` names."""
