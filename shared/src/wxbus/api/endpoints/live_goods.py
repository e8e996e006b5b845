"""Goods of live rooms."""

from enum import IntEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Flag,
    Key,
    NumberId,
    Part,
    Refused,
    get,
    post,
)
from wxbus.api.endpoints.live_content import NO_GOODS, NO_ROOM, WRONG_STATE, RoomId

GoodsId: TypeAlias = Annotated[NumberId, Key("goodsId"), Refused(NO_GOODS)]


class LiveStatus(IntEnum):
    """The status of an audit."""

    NOT_SUBMITTED = 0
    RUNNING = 1
    PASSED = 2
    REFUSED = 3


class Goods(Part):
    """Goods to be sold."""

    name: str = Field(min_length=3, max_length=14)
    url: str = Field(min_length=1)
    """The page."""
    cover_image: str = Field(validation_alias="coverImgUrl", serialization_alias="coverImgUrl")
    """A media id."""
    price_type: Literal[1, 2, 3] = Field(default=1, validation_alias="priceType", serialization_alias="priceType")
    """1 `price`, 2 from `price` to `price2`, 3 `price2` instead of `price`."""
    price: float = Field(gt=0)
    """In yuan."""
    price2: float | None = None
    third_party_appid: str | None = Field(
        default=None, validation_alias="thirdPartyAppid", serialization_alias="thirdPartyAppid"
    )


class ChangedGoods(Goods):
    """Goods that exist."""

    goods_id: int = Field(validation_alias="goodsId", serialization_alias="goodsId")


class NewGoods(Answer):
    """Goods that are audited."""

    goods_id: str = Field(alias="goodsId")
    audit_id: str = Field(default="", alias="auditId")


class ListedGoods(Answer):
    """Goods in a list."""

    goods_id: str = Field(alias="goodsId")
    name: str = ""
    url: str = ""
    cover_image: str = Field(default="", alias="coverImgUrl")
    price_type: int = Field(default=1, alias="priceType")
    price: float = 0
    price2: float = 0
    third_party_appid: str = Field(default="", alias="thirdPartyAppid")


class GoodsPage(Answer):
    """A page of goods."""

    total: int = 0
    goods: tuple[ListedGoods, ...] = ()


class GoodsAudit(Answer):
    """Goods with the state of their audit."""

    goods_id: str
    name: str = ""
    url: str = ""
    cover_img_url: str = ""
    price: float = 0
    audit_status: int = 0
    """0 not submitted, 1 running, 2 passed, 3 refused."""


class GoodsRef(Part):
    """Names goods in an order."""

    goods_id: str = Field(validation_alias="goodsId", serialization_alias="goodsId")


class LiveGoods(Family):
    """Goods of live rooms; 500 new ones a day."""

    title = "直播商品"
    kinds = ("mini_program",)

    @post(
        "/wxaapi/broadcast/goods/add",
        name="addGoods",
        title="添加并提审商品",
        repeat=Repeat.SEND,
        errcodes=(200002, 300002, 300003, 300004, 300006, 300007, 300018, 300021),
    )
    async def add(self, goods: Annotated[Goods, Key("goodsInfo")]) -> NewGoods:
        """Add goods and submit them to an audit."""

    @post(
        "/wxaapi/broadcast/goods/update",
        name="updateGoodsinfo",
        title="更新商品",
        repeat=Repeat.READ,
        errcodes=(200002, 300002, 300003, 300006, 300007, 300010, 300011),
    )
    async def change(self, goods: Annotated[ChangedGoods, Key("goodsInfo")]) -> None:
        """Change goods; audited ones in their price only."""

    @post("/wxaapi/broadcast/goods/delete", name="deleteGoodsInfo", title="删除商品", repeat=Repeat.READ)
    async def delete(self, goods_id: GoodsId) -> None:
        """Delete goods."""

    @post(
        "/wxaapi/broadcast/goods/audit",
        name="resubmitAudit",
        title="重新提交商品审核",
        repeat=Repeat.SEND,
        errcodes=(300010, 300011),
    )
    async def submit(self, goods_id: GoodsId) -> Annotated[str, Key("auditId")]:
        """Submit goods to an audit again."""

    @post(
        "/wxaapi/broadcast/goods/resetaudit",
        name="resetAudit",
        title="撤回商品审核",
        repeat=Repeat.READ,
        errcodes=(300009, 300017),
    )
    async def withdraw(self, goods_id: GoodsId, audit_id: Annotated[NumberId, Key("auditId")]) -> None:
        """Withdraw an audit."""

    @get(
        "/wxaapi/broadcast/goods/getapproved",
        name="getGoodsInfo",
        title="获取商品列表",
        repeat=Repeat.READ,
        errcodes=(200002,),
    )
    async def page(
        self,
        status: LiveStatus,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=100)] = 100,
    ) -> GoodsPage:
        """Return up to 100 goods with a state."""

    @post(
        "/wxa/business/getgoodswarehouse",
        name="getGoodsAuditInfo",
        title="获取商品的信息与审核状态",
        repeat=Repeat.READ,
    )
    async def audits(
        self, goods_ids: Annotated[list[int], Field(min_length=1, max_length=20)]
    ) -> Annotated[list[GoodsAudit], Key("goods")]:
        """Return up to 20 goods with the states of their audits."""

    @post(
        "/wxaapi/broadcast/goods/onsale",
        name="SaleGoods",
        title="上下架商品",
        repeat=Repeat.READ,
        errcodes=(NO_ROOM, NO_GOODS, 300048, 300049),
    )
    async def set_on_sale(self, room_id: RoomId, goods_id: GoodsId, on_sale: Annotated[Flag, Key("onSale")]) -> None:
        """Start or stop selling goods in a room."""

    @post(
        "/wxaapi/broadcast/goods/push",
        name="pushGoods",
        title="推送商品",
        repeat=Repeat.SEND,
        errcodes=(WRONG_STATE, NO_GOODS, 300047, 300052, 300053),
    )
    async def show(self, room_id: RoomId, goods_id: GoodsId) -> None:
        """Show goods to the viewers."""

    @post(
        "/wxaapi/broadcast/goods/sort",
        name="sortGoods",
        title="直播间商品排序",
        repeat=Repeat.READ,
        errcodes=(WRONG_STATE, 300048),
    )
    async def sort(self, room_id: RoomId, goods: Annotated[list[GoodsRef], Field(min_length=1)]) -> None:
        """Sort the goods of a room."""

    @post(
        "/wxaapi/broadcast/goods/deleteInRoom",
        name="deleteDoods",
        title="删除直播间商品",
        repeat=Repeat.READ,
        errcodes=(NO_ROOM, 300047),
    )
    async def remove_from_room(self, room_id: RoomId, goods_id: GoodsId) -> None:
        """Remove goods from a room."""

    @post(
        "/wxaapi/broadcast/goods/getVideo",
        name="downloadGoodsVideo",
        title="下载商品讲解视频",
        repeat=Repeat.READ,
        errcodes=(WRONG_STATE, NO_GOODS, 300044, 300045, 300048),
    )
    async def video_url(self, room_id: RoomId, goods_id: GoodsId) -> Annotated[str, Key("url")]:
        """Return the address of the video that explains goods."""

    @post("/wxaapi/broadcast/goods/setkey", name="setdefault_goodskey", title="直播挂件设置全局KEY", repeat=Repeat.READ)
    async def set_keys(self, keys: Annotated[list[str], Key("goodsKey")]) -> None:
        """Set the names of the page parameters that identify goods."""

    @get("/wxaapi/broadcast/goods/getkey", name="getdefault_goodskey", title="直播挂件获取全局KEY", repeat=Repeat.READ)
    async def keys(self) -> Annotated[list[str], Key("vendorGoodsKey")]:
        """Return the names of the page parameters that identify goods."""
