"""Messages and pages about parcels that were sent without WeChat's waybills."""

from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Part, Refused, post

ERRORS: Final = (40003, 9300507, 9300513, 9300534, 9300559, 9300560)

WaybillToken: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024), Refused(9300507)]
"""The token that WeChat returned for the waybill."""
Phone: TypeAlias = Annotated[str, Field(min_length=1, max_length=32)]


class Goods(Part):
    """Goods of a parcel, as the user sees them."""

    goods_name: str = Field(min_length=1)
    goods_img_url: str = Field(min_length=1)
    goods_desc: str | None = None


class GoodsInfo(Part):
    """The goods of a parcel."""

    detail_list: list[Goods] = Field(min_length=1)


class WaybillState(Answer):
    """A parcel."""

    waybill_id: str = ""
    status: int = 0
    """0 no waybill, 1 collected, 2 on its way, 3 being delivered, 4 delivered, 5 exception ..."""


class ShopGoods(Answer):
    """The goods of the parcel."""

    goods_info: dict[str, Any] | None = None


class DeliveryCompany(Answer):
    """A carrier."""

    delivery_id: str
    delivery_name: str = ""


class Trace(Answer):
    """The state, the goods and the carrier of a parcel."""

    waybill_info: WaybillState = WaybillState()
    shop_info: ShopGoods = ShopGoods()
    delivery_info: DeliveryCompany | None = None


class WaybillMessages(Family):
    """Messages about parcels, and the pages of parcels."""

    title = "物流消息"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/express/delivery/open_msg/follow_waybill",
        name="follow_waybill",
        title="传运单",
        repeat=Repeat.SEND,
        errcodes=ERRORS,
    )
    async def follow(
        self,
        openid: OpenId,
        waybill_id: Id,
        receiver_phone: Phone,
        goods: Annotated[GoodsInfo, Key("goods_info")],
        transaction_id: Annotated[Id, Key("trans_id")],
        order_path: Annotated[str, Field(min_length=1), Key("order_detail_path")],
        *,
        delivery_id: Id | None = None,
        sender_phone: Phone | None = None,
    ) -> Annotated[str, Key("waybill_token")]:
        """Let WeChat notify the user of each step of a parcel; return the token of the waybill."""

    @post(
        "/cgi-bin/express/delivery/open_msg/query_follow_trace",
        name="query_follow_trace",
        title="查运单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def followed(
        self, token: Annotated[WaybillToken, Key("waybill_token")], *, openid: OpenId | None = None
    ) -> Trace:
        """Return the state of a parcel that WeChat follows."""

    @post(
        "/cgi-bin/express/delivery/open_msg/update_follow_waybill_goods",
        name="update_follow_waybill_goods",
        title="更新物品信息接口",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def update_followed_goods(
        self,
        openid: OpenId,
        token: Annotated[WaybillToken, Key("waybill_token")],
        goods: Annotated[GoodsInfo, Key("goods_info")],
    ) -> None:
        """Replace the goods of a parcel that WeChat follows."""

    @post(
        "/cgi-bin/express/delivery/open_msg/trace_waybill",
        name="trace_waybill",
        title="传运单",
        repeat=Repeat.SEND,
        errcodes=ERRORS,
    )
    async def add_to_page(
        self,
        openid: OpenId,
        waybill_id: Id,
        receiver_phone: Phone,
        goods: Annotated[GoodsInfo, Key("goods_info")],
        transaction_id: Annotated[Id, Key("trans_id")],
        order_path: Annotated[str, Field(min_length=1), Key("order_detail_path")],
        *,
        delivery_id: Id | None = None,
        sender_phone: Phone | None = None,
    ) -> Annotated[str, Key("waybill_token")]:
        """Return the token with which the Mini Program opens the page of a parcel; nothing is sent."""

    @post(
        "/cgi-bin/express/delivery/open_msg/query_trace",
        name="query_trace",
        title="查询运单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def page(
        self, token: Annotated[WaybillToken, Key("waybill_token")], *, openid: OpenId | None = None
    ) -> Trace:
        """Return the state of a parcel that has a page."""

    @post(
        "/cgi-bin/express/delivery/open_msg/update_waybill_goods",
        name="update_waybill_goods",
        title="更新物流信息",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def update_page_goods(
        self,
        token: Annotated[WaybillToken, Key("waybill_token")],
        goods: Annotated[GoodsInfo, Key("goods_info")],
        *,
        openid: OpenId | None = None,
    ) -> None:
        """Replace the goods on the page of a parcel."""

    @post(
        "/cgi-bin/express/delivery/open_msg/get_delivery_list",
        name="get_delivery_list",
        title="获取运力id列表",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def carriers(self) -> Annotated[list[DeliveryCompany], Key("delivery_list")]:
        """Return the carriers whose parcels WeChat can follow."""

    @post(
        "/cgi-bin/express/delivery/open_msg/open_openmsg",
        name="open_openmsg",
        title="开通物流消息组件",
        repeat=Repeat.READ,
    )
    async def enable_messages(self) -> None:
        """Enable messages about parcels for the Mini Program."""

    @post(
        "/cgi-bin/express/delivery/open_msg/open_query_plugin",
        name="open_query_plugin",
        title="开通物流查询组件",
        repeat=Repeat.READ,
    )
    async def enable_pages(self) -> None:
        """Enable pages of parcels for the Mini Program."""
