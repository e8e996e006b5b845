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
    """How an article was read."""

    read_user: int = 0
    read_user_source: tuple[dict[str, Any], ...] = ()


class ShareDetail(Answer):
    """How an article was shared."""

    share_user: int = 0


class OfArticle(OfDay):
    """Statistics of one article."""

    msgid: str = ""
    """The id of the message and the number of the article: 12003_3."""
    title: str = ""


class PublishedReads(OfArticle):
    """How one article was read."""

    detail: ReadDetail = ReadDetail()


class PublishedShares(OfArticle):
    """How one article was shared."""

    detail: ShareDetail = ShareDetail()


class ContentDetail(Answer):
    """How all content was read."""

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
    """How all content was read on one day."""

    detail: ContentDetail = ContentDetail()


class ArticleDay(Answer):
    """How an article was read until one day."""

    stat_date: date | None = None
    read_user: int = 0
    share_user: int = 0


class PublishedTotals(OfArticle):
    """How one article was read in its first thirty days."""

    content_url: str = ""
    detail_list: tuple[ArticleDay, ...] = ()


class Statistics(Answer, Generic[D]):
    """Statistics that may be incomplete."""

    is_delay: bool = False
    """True: some are missing; ask again later."""
    items: tuple[D, ...] = Field(default=(), alias="list")


class CardUse(OfDay):
    """How cards were used on one day."""

    view_cnt: int = 0
    view_user: int = 0
    receive_cnt: int = 0
    receive_user: int = 0
    verify_cnt: int = 0
    verify_user: int = 0


class CardSummary(CardUse):
    """How all cards were used."""

    given_cnt: int = 0
    given_user: int = 0
    expire_cnt: int = 0
    expire_user: int = 0


class FreeCards(CardSummary):
    """How one card was used."""

    card_id: str = ""
    card_type: int = 0


class MemberCards(CardUse):
    """How member cards were used."""

    active_cnt: int = 0
    active_user: int = 0
    total_user: int = 0
    total_receive_user: int = 0


class MemberCard(MemberCards):
    """How one member card was used."""

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
        """Return how each article was read on a day."""

    @post(
        "/datacube/getarticleshare",
        name="getarticleshare",
        title="获取发表内容每日分享数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def shares(self, day: Day) -> Statistics[PublishedShares]:
        """Return how each article was shared on a day."""

    @post(
        "/datacube/getbizsummary",
        name="getbizsummary",
        title="获取发表内容概况总数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def summary(self, period: Days30) -> Statistics[ContentSummary]:
        """Return how all content was read, on up to 30 days."""

    @post(
        "/datacube/getarticletotaldetail",
        name="getarticletotaldetail",
        title="获取发表内容发表详细数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def totals(self, day: Day) -> Statistics[PublishedTotals]:
        """Return how each article that was published on a day was read in its first 30 days."""

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
        """Return how cards made in the console (source 0) or by API (1) were used, on up to 62 days."""

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
        """Return how each free card, or the one named, was used, on up to 62 days."""

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
        """Return how member cards were used, on up to 62 days."""

    @post(
        "/datacube/getcardmembercarddetail",
        name="getcardmembercarddetail",
        title="拉取单张会员卡数据",
        repeat=Repeat.READ,
        errcodes=CARD_ERRORS,
    )
    async def member_card(self, period: Days62, card_id: Id) -> Annotated[list[MemberCard], Key("list")]:
        """Return how one member card was used, on up to 62 days."""
