"""Cards and coupons of an Official Account. Most kinds are closed to new accounts."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Merged,
    Part,
    get,
    post,
)
from wxbus.api.endpoints.card_ids import WRONG_CARD, CardId

CardKind: TypeAlias = Literal[
    "GROUPON", "CASH", "DISCOUNT", "GIFT", "GENERAL_COUPON", "GENERAL_CARD", "MEMBER_CARD", "MEETING_TICKET",
    "SCENIC_TICKET", "MOVIE_TICKET", "BOARDING_PASS"
]  # fmt: skip


class NewCard(Part):
    """A card; its fields are those of WeChat for its kind."""

    model_config = ConfigDict(extra="allow")

    card_type: CardKind


class CardPage(Answer):
    """A page of card ids."""

    total_num: int = 0
    card_id_list: tuple[str, ...] = ()


class OwnedCard(Answer):
    """A card of a user."""

    card_id: str
    code: str = ""


class OwnedCards(Answer):
    """The cards of a user."""

    card_list: tuple[OwnedCard, ...] = ()
    has_share_card: bool = False


class CardCode(Answer):
    """A QR code that gives a card to users."""

    ticket: str
    url: str = ""
    show_qrcode_url: str = ""
    expire_seconds: int | None = None


class ShelfCard(Part):
    """A card on a shelf."""

    card_id: str
    thumb_url: str


class OfferedCard(Part):
    """One of the cards behind a QR code."""

    card_id: CardId
    code: str | None = None
    """The code, if the card uses your own codes."""
    outer_str: str | None = None
    """The scene, which the event carries."""


class Shelf(Answer):
    """A page with cards."""

    page_id: str
    url: str = ""


class SecondaryCategory(Answer):
    """A category."""

    secondary_category_id: int
    category_name: str = ""
    need_qualification_stuffs: tuple[str, ...] = ()


class PrimaryCategory(Answer):
    """A category with its parts."""

    primary_category_id: int
    category_name: str = ""
    secondary_category: tuple[SecondaryCategory, ...] = ()


class Cards(Family):
    """Cards and coupons. Results of reviews are `CardPassCheckEvent`s."""

    title = "卡券"
    kinds = ("official_account",)

    @post("/card/create", name="createCard", title="创建卡券", repeat=Repeat.SEND, errcodes=(40071, 40079, 40122))
    async def create(self, card: NewCard) -> Annotated[str, Key("card_id")]:
        """Create a card, which is reviewed."""

    @post("/card/get", name="getCard", title="查看卡券详情", repeat=Repeat.READ, errcodes=(WRONG_CARD,))
    async def find(self, card_id: CardId) -> Annotated[dict[str, Any], Key("card")]:
        """Return a card, with WeChat's names."""

    @post("/card/batchget", name="batchGetCard", title="批量查询卡券列表", repeat=Repeat.READ)
    async def page(
        self,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=50)] = 50,
        statuses: Annotated[list[str] | None, Key("status_list")] = None,
    ) -> CardPage:
        """Return up to 50 card ids; with `statuses` only those in states such as CARD_STATUS_VERIFY_OK."""

    @post("/card/update", name="updateCard", title="更改卡券信息", repeat=Repeat.READ, errcodes=(WRONG_CARD,))
    async def change(
        self, card_id: CardId, changes: Annotated[dict[str, Any], Merged()]
    ) -> Annotated[bool, Key("send_check")]:
        """Change a card, by WeChat's names; return whether the change is reviewed."""

    @post("/card/delete", name="deleteCard", title="删除卡券", repeat=Repeat.READ, errcodes=(WRONG_CARD,))
    async def delete(self, card_id: CardId) -> None:
        """Delete a card; users keep theirs."""

    @post("/card/modifystock", name="modifyStock", title="修改库存", repeat=Repeat.NEVER, errcodes=(WRONG_CARD,))
    async def change_stock(
        self,
        card_id: CardId,
        *,
        increase: Annotated[Annotated[int, Field(ge=1)] | None, Key("increase_stock_value")] = None,
        reduce: Annotated[Annotated[int, Field(ge=1)] | None, Key("reduce_stock_value")] = None,
    ) -> None:
        """Increase or reduce the stock; a repeated call counts again."""

    @post("/card/user/getcardlist", name="getCardList", title="获取用户已领取卡券", repeat=Repeat.READ)
    async def of_user(self, openid: Id, *, card_id: CardId | None = None) -> OwnedCards:
        """Return the cards of a user."""

    @post(
        "/card/qrcode/create",
        name="createCardQrCode",
        title="创建卡券二维码",
        repeat=Repeat.SEND,
        errcodes=(WRONG_CARD,),
        fixed={"action_name": "QR_CARD"},
    )
    async def qr_code(
        self,
        card_id: Annotated[CardId, Key("action_info.card.card_id")],
        *,
        code: Annotated[str | None, Key("action_info.card.code")] = None,
        openid: Annotated[str | None, Key("action_info.card.openid")] = None,
        once: Annotated[bool | None, Key("action_info.card.is_unique_code")] = None,
        scene: Annotated[str | None, Key("action_info.card.outer_str")] = None,
        expires_in: Annotated[Annotated[int, Field(ge=60)] | None, Key("expire_seconds")] = None,
    ) -> CardCode:
        """Return a QR code that gives a card to users; to one user with `openid`, to the first user with `once`."""

    @post(
        "/card/qrcode/create",
        name="createCardQrCode",
        title="创建卡券二维码",
        repeat=Repeat.SEND,
        errcodes=(WRONG_CARD,),
        fixed={"action_name": "QR_MULTIPLE_CARD"},
    )
    async def qr_code_of_several(
        self,
        cards: Annotated[
            list[OfferedCard], Field(min_length=1, max_length=5), Key("action_info.multiple_card.card_list")
        ],
    ) -> CardCode:
        """Return a QR code that gives up to five cards to users."""

    @post("/card/landingpage/create", name="createLandingPage", title="创建卡券货架", repeat=Repeat.SEND)
    async def create_shelf(
        self,
        banner: str,
        title: Annotated[str, Key("page_title")],
        scene: str,
        cards: Annotated[list[ShelfCard], Field(min_length=1), Key("card_list")],
        *,
        can_share: bool = True,
    ) -> Shelf:
        """Create a page with cards."""

    @post(
        "/card/mpnews/gethtml",
        name="getCardHtml",
        title="图文消息群发卡券HTML",
        repeat=Repeat.READ,
        errcodes=(WRONG_CARD,),
    )
    async def html(self, card_id: CardId) -> Annotated[str, Key("content")]:
        """Return the HTML of a card for an article."""

    @post("/card/testwhitelist/set", name="setTestWhitelist", title="设置测试白名单", repeat=Repeat.READ)
    async def set_testers(
        self,
        *,
        openids: Annotated[Annotated[list[str], Field(max_length=10)] | None, Key("openid")] = None,
        names: Annotated[Annotated[list[str], Field(max_length=10)] | None, Key("username")] = None,
    ) -> None:
        """Set the users who can get cards that are not reviewed yet."""

    @post("/card/paycell/set", name="setPayCell", title="设置买单", repeat=Repeat.READ, errcodes=(WRONG_CARD,))
    async def set_payment(self, card_id: CardId, is_open: bool) -> None:
        """Enable or disable payment with a card."""

    @post(
        "/card/selfconsumecell/set",
        name="setSelfConsumeCell",
        title="设置自助核销",
        repeat=Repeat.READ,
        errcodes=(WRONG_CARD,),
    )
    async def set_self_service(
        self,
        card_id: CardId,
        is_open: bool,
        *,
        need_code: Annotated[bool, Key("need_verify_cod")] = False,
        need_amount: Annotated[bool, Key("need_remark_amount")] = False,
    ) -> None:
        """Enable or disable the use of a card by users themselves."""

    @get("/card/getapplyprotocol", name="getApplyProtocol", title="卡券开放类目查询", repeat=Repeat.READ)
    async def categories(self) -> Annotated[list[PrimaryCategory], Key("category")]:
        """Return the categories of merchants."""
