"""Statistics of a Mini Program; those of a day are complete from 8 o'clock of the next day on."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, Merged, Refused, post
from wxbus.api.endpoints.periods import ERRORS, WRONG_PERIOD, CompactDay, CompactMonth, CompactWeek, LastDays


class Dated(Answer):
    """Statistics of a period."""

    ref_date: str = ""
    """20170313 for a day, 20170306-20170312 for a week, 201702 for a month."""


class Summary(Dated):
    """Visitors and shares."""

    visit_total: int = 0
    """All users until this day."""
    share_pv: int = 0
    share_uv: int = 0


class Visits(Dated):
    """The visits of the Mini Program."""

    session_cnt: int = 0
    """How often it was opened."""
    visit_pv: int = 0
    visit_uv: int = 0
    visit_uv_new: int = 0
    stay_time_uv: float = 0
    """Seconds for each user."""
    stay_time_session: float = 0
    """Seconds for each opening."""
    visit_depth: float = 0
    """Pages for each opening."""


class Count(Answer):
    """One value."""

    key: int
    """Retention: 0 the same period, 1 the next one ..."""
    value: int = 0


class Retention(Dated):
    """The users who came back."""

    visit_uv_new: tuple[Count, ...] = ()
    visit_uv: tuple[Count, ...] = ()


class Distribution(Answer):
    """One distribution."""

    index: str
    """access_source_session_cnt, access_staytime_info or access_depth_info."""
    item_list: tuple[Count, ...] = ()


class VisitDistribution(Dated):
    """The visits by source, duration and depth."""

    items: tuple[Distribution, ...] = Field(default=(), alias="list")


class Page(Answer):
    """The visits of one page."""

    page_path: str
    page_visit_pv: int = 0
    page_visit_uv: int = 0
    page_staytime_pv: float = 0
    """Seconds."""
    entrypage_pv: int = 0
    exitpage_pv: int = 0
    page_share_pv: int = 0
    page_share_uv: int = 0


class VisitedPages(Dated):
    """The most visited pages."""

    items: tuple[Page, ...] = Field(default=(), alias="list")


class Group(Answer):
    """A group of users."""

    id: int = 0
    name: str = ""
    value: int = 0


class Groups(Answer):
    """Users in groups."""

    province: tuple[Group, ...] = ()
    city: tuple[Group, ...] = ()
    genders: tuple[Group, ...] = ()
    platforms: tuple[Group, ...] = ()
    devices: tuple[Group, ...] = ()
    ages: tuple[Group, ...] = ()


class Portrait(Dated):
    """The demographics of the users."""

    visit_uv_new: Groups = Groups()
    visit_uv: Groups = Groups()


class MiniProgramStatistics(Family):
    """Statistics of visits and users."""

    title = "小程序数据"
    kinds = ("mini_program",)

    @post(
        "/datacube/getweanalysisappiddailysummarytrend",
        name="getDailySummary",
        title="获取用户访问小程序数据概况",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def summary(self, day: CompactDay) -> Annotated[list[Summary], Key("list")]:
        """Return visitors and shares of a day."""

    @post(
        "/datacube/getweanalysisappiddailyvisittrend",
        name="getDailyVisitTrend",
        title="获取用户访问小程序数据日趋势",
        repeat=Repeat.READ,
        errcodes=(*ERRORS, 61504),
    )
    async def daily_visits(self, day: CompactDay) -> Annotated[list[Visits], Key("list")]:
        """Return the visits of a day."""

    @post(
        "/datacube/getweanalysisappidweeklyvisittrend",
        name="getWeeklyVisitTrend",
        title="获取用户访问小程序数据周趋势",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def weekly_visits(self, week: CompactWeek) -> Annotated[list[Visits], Key("list")]:
        """Return the visits of a week, named by any of its days."""

    @post(
        "/datacube/getweanalysisappidmonthlyvisittrend",
        name="getMonthlyVisitTrend",
        title="获取用户访问小程序数据月趋势",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def monthly_visits(self, month: CompactMonth) -> Annotated[list[Visits], Key("list")]:
        """Return the visits of a month, named by any of its days."""

    @post(
        "/datacube/getweanalysisappiddailyretaininfo",
        name="getDailyRetain",
        title="获取用户访问小程序日留存",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def daily_retention(self, day: CompactDay) -> Retention:
        """Return how many users of a day came back on the next days."""

    @post(
        "/datacube/getweanalysisappidweeklyretaininfo",
        name="getWeeklyRetain",
        title="获取用户访问小程序周留存",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def weekly_retention(self, week: CompactWeek) -> Retention:
        """Return how many users of a week came back in the next weeks."""

    @post(
        "/datacube/getweanalysisappidmonthlyretaininfo",
        name="getMonthlyRetain",
        title="获取用户访问小程序月留存",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def monthly_retention(self, month: CompactMonth) -> Retention:
        """Return how many users of a month came back in the next month."""

    @post(
        "/datacube/getweanalysisappidvisitdistribution",
        name="getVisitDistribution",
        title="获取用户小程序访问分布数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def visit_distribution(self, day: CompactDay) -> VisitDistribution:
        """Return the visits of a day by source, duration and depth."""

    @post(
        "/datacube/getweanalysisappidvisitpage",
        name="getVisitPage",
        title="获取访问页面数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def visited_pages(self, day: CompactDay) -> VisitedPages:
        """Return the visits of the 200 most visited pages on a day."""

    @post(
        "/datacube/getweanalysisappiduserportrait",
        name="getUserPortrait",
        title="获取小程序用户画像分布",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def portrait(self, period: Annotated[LastDays, Merged(), Refused(WRONG_PERIOD)]) -> Portrait:
        """Return the demographics of the users of 1, 7 or 30 days."""
