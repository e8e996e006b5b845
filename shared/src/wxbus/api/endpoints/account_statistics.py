"""Statistics of the followers and articles of an Official Account.

Those of a day are complete from 8 o'clock of the next day on, in China.
"""

from datetime import date
from typing import Annotated, Final

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, post
from wxbus.api.endpoints.periods import ERRORS, Day, Days3, Days7

OFFLINE: Final = (*ERRORS, 47009)
"""Of statistics that WeChat no longer maintains; some accounts get 47009."""


class OfDay(Answer):
    """Statistics of one day."""

    ref_date: date


class NewFollowers(OfDay):
    """New and lost followers from one source."""

    user_source: int = 0
    """0 others, 1 search, 17 card, 30 QR code, 51 paid, 57 article, 100 Mini Program ..."""
    new_user: int = 0
    cancel_user: int = 0


class Followers(OfDay):
    """The number of followers."""

    cumulate_user: int = 0


class Reads(Answer):
    """Reads and shares of articles."""

    int_page_read_user: int = 0
    """Readers of the article's page."""
    int_page_read_count: int = 0
    ori_page_read_user: int = 0
    """Readers of the page behind "Read more"."""
    ori_page_read_count: int = 0
    share_user: int = 0
    share_count: int = 0
    add_to_fav_user: int = 0
    add_to_fav_count: int = 0


class ArticleReads(Reads, OfDay):
    """Reads of one article on the day on which it was sent."""

    msgid: str = ""
    """The id of the message and the number of the article: 12003_3."""
    title: str = ""


class ReadsUntil(Reads):
    """Reads of an article from the day on which it was sent to another."""

    stat_date: date
    target_user: int = 0


class ArticleTotals(OfDay):
    """Reads of one article in its first seven days."""

    msgid: str = ""
    title: str = ""
    details: tuple[ReadsUntil, ...] = ()


class SourceReads(Reads, OfDay):
    """Reads from one source."""

    user_source: int = 0


class HourReads(SourceReads):
    """Reads in one hour."""

    ref_hour: int = 0
    """0, 100, 200 ... 2300."""


class Shares(OfDay):
    """Shares of articles to one place."""

    share_scene: int = 0
    """1 to friends, 2 moments, 255 others."""
    share_user: int = 0
    share_count: int = 0


class HourShares(Shares):
    """Shares in one hour."""

    ref_hour: int = 0


class AccountStatistics(Family):
    """Statistics of followers and articles."""

    title = "用户与图文数据"

    @post(
        "/datacube/getusersummary", name="getusersummary", title="获取用户增减数据", repeat=Repeat.READ, errcodes=ERRORS
    )
    async def new_followers(self, period: Days7) -> Annotated[list[NewFollowers], Key("list")]:
        """Return the new and lost followers of up to 7 days."""

    @post(
        "/datacube/getusercumulate",
        name="getusercumulate",
        title="获取累计用户数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def followers(self, period: Days7) -> Annotated[list[Followers], Key("list")]:
        """Return the number of followers on up to 7 days."""

    @post(
        "/datacube/getarticlesummary",
        name="getarticlesummary",
        title="获取图文群发每日数据",
        repeat=Repeat.READ,
        errcodes=OFFLINE,
    )
    async def articles(self, day: Day) -> Annotated[list[ArticleReads], Key("list")]:
        """Return the reads of each article that was sent on a day, on this day."""

    @post(
        "/datacube/getarticletotal",
        name="getarticletotal",
        title="获取图文群发总数据",
        repeat=Repeat.READ,
        errcodes=OFFLINE,
    )
    async def article_totals(self, day: Day) -> Annotated[list[ArticleTotals], Key("list")]:
        """Return the reads of each article that was sent on a day, in its first seven days."""

    @post(
        "/datacube/getuserread", name="getuserread", title="获取图文阅读概况数据", repeat=Repeat.READ, errcodes=OFFLINE
    )
    async def reads(self, period: Days3) -> Annotated[list[SourceReads], Key("list")]:
        """Return the reads of all articles, on up to 3 days."""

    @post(
        "/datacube/getuserreadhour",
        name="getuserreadhour",
        title="获取图文阅读分时数据",
        repeat=Repeat.READ,
        errcodes=OFFLINE,
    )
    async def reads_by_hour(self, day: Day) -> Annotated[list[HourReads], Key("list")]:
        """Return the reads of all articles in each hour of a day."""

    @post(
        "/datacube/getusershare",
        name="getusershare",
        title="获取图文转发概况数据",
        repeat=Repeat.READ,
        errcodes=OFFLINE,
    )
    async def shares(self, period: Days7) -> Annotated[list[Shares], Key("list")]:
        """Return the shares of all articles, on up to 7 days."""

    @post(
        "/datacube/getusersharehour",
        name="getusersharehour",
        title="获取图文转发分时数据",
        repeat=Repeat.READ,
        errcodes=OFFLINE,
    )
    async def shares_by_hour(self, day: Day) -> Annotated[list[HourShares], Key("list")]:
        """Return the shares of all articles in each hour of a day."""
