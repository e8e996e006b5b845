"""Statistics of published content and cards of an Official Account; published content is counted from 2025-11 on."""

from datetime import date
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, post
from wxbus.api.endpoints.account_statistics import OfDay
from wxbus.api.endpoints.periods import ERRORS, WRONG_PERIOD, Day, Days30, Days62

D = TypeVar("D", bound=BaseModel)

CARD_ERRORS: Final = (WRONG_PERIOD,)


class ReadDetail(Answer):
    """The readers of an article."""

    read_user: int = 0
    read_user_source: tuple[dict[str, Any], ...] = ()


class ShareDetail(Answer):
    """The users who shared an article."""

    share_user: int = 0


class OfArticle(OfDay):
    """Statistics of one article."""

    msgid: str = ""
    """The id of the message and the number of the article: 12003_3."""
    title: str = ""


class PublishedReads(OfArticle):
    """The readers of one article."""

    detail: ReadDetail = ReadDetail()


class PublishedShares(OfArticle):
    """The users who shared one article."""

    detail: ShareDetail = ShareDetail()


class ContentDetail(Answer):
    """Reads, shares and reactions of all content."""

    read_user: int = 0
    share_user: int = 0
    zaikan_user: int = 0
    """Users who recommended it."""
    like_user: int = 0
    comment_count: int = 0
    collection_user: int = 0
    send_page_count: int = 0
    """Published articles."""


class ContentSummary(OfDay):
    """Reads, shares and reactions of all content on one day."""

    detail: ContentDetail = ContentDetail()


class ArticleDay(Answer):
    """Reads and shares of an article until one day."""

    stat_date: date | None = None
    read_user: int = 0
    share_user: int = 0


class PublishedTotals(OfArticle):
    """Reads and shares of one article in its first thirty days."""

    content_url: str = ""
    detail_list: tuple[ArticleDay, ...] = ()


class Statistics(Answer, Generic[D]):
    """Statistics that may be incomplete."""

    is_delay: bool = False
    """True: some are missing; ask again later."""
    items: tuple[D, ...] = Field(default=(), alias="list")


class CardUse(OfDay):
    """The use of cards on one day."""

    view_cnt: int = 0
    view_user: int = 0
    receive_cnt: int = 0
    receive_user: int = 0
    verify_cnt: int = 0
    verify_user: int = 0


class CardSummary(CardUse):
    """The use of all cards."""

    given_cnt: int = 0
    given_user: int = 0
    expire_cnt: int = 0
    expire_user: int = 0


class FreeCards(CardSummary):
    """The use of one card."""

    card_id: str = ""
    card_type: int = 0


class MemberCards(CardUse):
    """The use of member cards."""

    active_cnt: int = 0
    active_user: int = 0
    total_user: int = 0
    total_receive_user: int = 0


class MemberCard(MemberCards):
    """The use of one member card."""

    card_id: str = Field(default="", alias="cardid")
    new_user: int = 0


class PublicationStatistics(Family):
    """Statistics of published content, and of cards."""

    title = "发表内容数据"

    @post(
        "/datacube/getarticleread",
        name="getarticleread",
        title="获取发表内容每日阅读数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def reads(self, day: Day) -> Statistics[PublishedReads]:
        """Return the readers of each article on a day."""

    @post(
        "/datacube/getarticleshare",
        name="getarticleshare",
        title="获取发表内容每日分享数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def shares(self, day: Day) -> Statistics[PublishedShares]:
        """Return the users who shared each article on a day."""

    @post(
        "/datacube/getbizsummary",
        name="getbizsummary",
        title="获取发表内容概况总数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def summary(self, period: Days30) -> Statistics[ContentSummary]:
        """Return reads, shares and reactions of all content, on up to 30 days."""

    @post(
        "/datacube/getarticletotaldetail",
        name="getarticletotaldetail",
        title="获取发表内容发表详细数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def totals(self, day: Day) -> Statistics[PublishedTotals]:
        """Return reads and shares of each article that was published on a day, in its first 30 days."""

    @post(
        "/datacube/getcardbizuininfo",
        name="getcardbizuininfo",
        title="拉取卡券概况数据",
        repeat=Repeat.READ,
        errcodes=CARD_ERRORS,
    )
    async def cards(
        self, period: Days62, *, source: Annotated[Literal[0, 1], Key("cond_source")] = 1
    ) -> Annotated[list[CardSummary], Key("list")]:
        """Return the use of cards made in the console (source 0) or by API (1), on up to 62 days."""

    @post(
        "/datacube/getcardcardinfo",
        name="getcardcardinfo",
        title="获取免费券数据",
        repeat=Repeat.READ,
        errcodes=CARD_ERRORS,
    )
    async def free_cards(
        self,
        period: Days62,
        *,
        source: Annotated[Literal[0, 1], Key("cond_source")] = 1,
        card_id: Id | None = None,
    ) -> Annotated[list[FreeCards], Key("list")]:
        """Return the use of each free card, or of `card_id` only, on up to 62 days."""

    @post(
        "/datacube/getcardmembercardinfo",
        name="getcardmembercardinfo",
        title="拉取会员卡概况数据",
        repeat=Repeat.READ,
        errcodes=CARD_ERRORS,
    )
    async def member_cards(
        self, period: Days62, *, source: Annotated[Literal[0, 1], Key("cond_source")] = 1
    ) -> Annotated[list[MemberCards], Key("list")]:
        """Return the use of member cards, on up to 62 days."""

    @post(
        "/datacube/getcardmembercarddetail",
        name="getcardmembercarddetail",
        title="拉取单张会员卡数据",
        repeat=Repeat.READ,
        errcodes=CARD_ERRORS,
    )
    async def member_card(self, period: Days62, card_id: Id) -> Annotated[list[MemberCard], Key("list")]:
        """Return the use of one member card, on up to 62 days."""
