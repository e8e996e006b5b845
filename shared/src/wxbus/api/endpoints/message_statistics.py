"""Statistics of messages from users and of callbacks, of an Official Account."""

from typing import Annotated

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Key, post
from wxbus.api.endpoints.account_statistics import OfDay
from wxbus.api.endpoints.periods import ERRORS, Day, Days7, Days15, Days30


class Messages(OfDay):
    """Messages from users, of one type."""

    msg_type: int = 0
    """1 text, 2 image, 3 voice, 4 video, 6 link."""
    msg_user: int = 0
    msg_count: int = 0


class HourMessages(Messages):
    """Messages in one hour."""

    ref_hour: int = 0


class MessageDistribution(OfDay):
    """The number of users by their number of messages."""

    count_interval: int = 0
    """0 none, 1 one to five, 2 six to ten, 3 more than ten."""
    msg_user: int = 0


class Callbacks(OfDay):
    """The number, failures and durations of callbacks."""

    callback_count: int = 0
    fail_count: int = 0
    total_time_cost: int = 0
    """Milliseconds of all callbacks."""
    max_time_cost: int = 0
    """Milliseconds of the slowest."""


class HourCallbacks(Callbacks):
    """Callbacks in one hour."""

    ref_hour: int = 0


class MessageStatistics(Family):
    """Statistics of messages from users and of callbacks."""

    title = "消息与接口数据"

    @post(
        "/datacube/getupstreammsg",
        name="getupstreammsg",
        title="获取消息发送概况数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def messages(self, period: Days7) -> Annotated[list[Messages], Key("list")]:
        """Return the messages from users, on up to 7 days."""

    @post(
        "/datacube/getupstreammsghour",
        name="getupstreammsghour",
        title="获取消息发送分时数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def messages_by_hour(self, day: Day) -> Annotated[list[HourMessages], Key("list")]:
        """Return the messages from users in each hour of a day."""

    @post(
        "/datacube/getupstreammsgweek",
        name="getupstreammsgweek",
        title="获取消息发送周数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def messages_by_week(self, period: Days30) -> Annotated[list[Messages], Key("list")]:
        """Return the messages from users in each week, named by its Monday, of up to 30 days."""

    @post(
        "/datacube/getupstreammsgmonth",
        name="getupstreammsgmonth",
        title="获取消息发送月数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def messages_by_month(self, period: Days30) -> Annotated[list[Messages], Key("list")]:
        """Return the messages from users in each month, named by its first day, of up to 30 days."""

    @post(
        "/datacube/getupstreammsgdist",
        name="getupstreammsgdist",
        title="获取消息发送分布数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def message_distribution(self, period: Days15) -> Annotated[list[MessageDistribution], Key("list")]:
        """Return the number of users by their number of messages, on up to 15 days."""

    @post(
        "/datacube/getupstreammsgdistweek",
        name="getupstreammsgdistweek",
        title="获取消息发送分布周数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def message_distribution_by_week(self, period: Days30) -> Annotated[list[MessageDistribution], Key("list")]:
        """Return the number of users by their number of messages in each week of up to 30 days."""

    @post(
        "/datacube/getupstreammsgdistmonth",
        name="getupstreammsgdistmonth",
        title="获取消息发送分布月数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def message_distribution_by_month(self, period: Days30) -> Annotated[list[MessageDistribution], Key("list")]:
        """Return the number of users by their number of messages in each month of up to 30 days."""

    @post(
        "/datacube/getinterfacesummary",
        name="getinterfacesummary",
        title="获取被动回复概要数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def callbacks(self, period: Days30) -> Annotated[list[Callbacks], Key("list")]:
        """Return the number, failures and durations of callbacks, on up to 30 days."""

    @post(
        "/datacube/getinterfacesummaryhour",
        name="getinterfacesummaryhour",
        title="获取被动回复分布数据",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def callbacks_by_hour(self, day: Day) -> Annotated[list[HourCallbacks], Key("list")]:
        """Return the number, failures and durations of callbacks in each hour of a day."""
