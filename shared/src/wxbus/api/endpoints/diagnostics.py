"""Logs, errors and performance of a Mini Program on its users' devices."""

from datetime import date
from enum import IntEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, Part, Timestamp, get, post
from wxbus.api.endpoints.periods import COMPACT, parsed

Text: TypeAlias = Annotated[str, Field(max_length=256)]
LogDay: TypeAlias = Annotated[
    date,
    BeforeValidator(lambda found: parsed(found, COMPACT) if isinstance(found, str) and len(found) == 8 else found),
    PlainSerializer(lambda day: day.strftime(COMPACT), return_type=str),
]
"""A day in China."""


class CostTime(IntEnum):
    """The measured time."""

    START = 1
    DOWNLOAD = 2
    FIRST_RENDERING = 3


class LogLevel(IntEnum):
    """The level of an entry of the real-time log."""

    INFO = 2
    WARN = 4
    ERROR = 8


class PerformanceTime(Part):
    """A period of performance data."""

    begin: Timestamp = Field(validation_alias="begin_timestamp", serialization_alias="begin_timestamp")
    end: Timestamp = Field(validation_alias="end_timestamp", serialization_alias="end_timestamp")


class PerformanceFilter(Part):
    """A filter of performance data."""

    field: Literal["networktype", "device_level", "device"]
    value: str


class PerformanceTables(Answer):
    """Performance data as tables."""

    tables: tuple[dict[str, Any], ...] = ()
    count: int = 0


class SceneName(Answer):
    """An entry scene of the Mini Program."""

    name: str
    value: str


class ClientVersions(Answer):
    """Versions of WeChat on one platform."""

    type: int
    """1 Android, 2 iOS."""
    versions: tuple[str, ...] = Field(default=(), alias="client_version_list")


class LogEntry(Answer):
    """One entry of the real-time log."""

    level: int = 0
    """2 info, 4 warn, 8 error."""
    trace_id: str = Field(default="", alias="traceid")
    url: str = ""
    filter_message: str = Field(default="", alias="filterMsg")
    messages: tuple[dict[str, Any], ...] = Field(default=(), alias="msg")
    timestamp: Timestamp | None = None
    platform: int = 0
    library_version: str = Field(default="", alias="libraryVersion")
    client_version: str = Field(default="", alias="clientVersion")


class LogPage(Answer):
    """A page of the real-time log."""

    total: int = 0
    items: tuple[LogEntry, ...] = Field(default=(), alias="list")


class Feedback(Answer):
    """A message of a user to the owner."""

    record_id: str
    openid: str = ""
    nickname: str = ""
    phone: str = ""
    type: int = 0
    content: str = ""
    media_ids: tuple[str, ...] = Field(default=(), alias="mediaIds")
    system_info: str = Field(default="", alias="systemInfo")
    create_time: Timestamp | None = None


class FeedbackPage(Answer):
    """A page of feedback."""

    total: int = Field(default=0, alias="total_num")
    items: tuple[Feedback, ...] = Field(default=(), alias="list")


class Domains(Answer):
    """The domains that the Mini Program may use."""

    requestdomain: tuple[str, ...] = ()
    wsrequestdomain: tuple[str, ...] = ()
    uploaddomain: tuple[str, ...] = ()
    downloaddomain: tuple[str, ...] = ()
    udpdomain: tuple[str, ...] = ()
    bizdomain: tuple[str, ...] = ()


class Diagnostics(Family):
    """Logs, errors and performance of a Mini Program."""

    title = "小程序日志、错误与性能"
    kinds = ("mini_program",)

    @post("/wxa/business/performance/boot", name="getPerformanceData", title="获取小程序性能数据", repeat=Repeat.READ)
    async def performance(
        self,
        time: PerformanceTime,
        module: Literal["10016", "10017", "10021", "10022", "10023"],
        filters: Annotated[list[PerformanceFilter], Key("params")],
    ) -> Annotated[PerformanceTables, Key("data.body")]:
        """Return performance data.

        The modules: 10016 how many users see a page, 10017 times of the start, 10021 changes of pages, 10022 memory,
        10023 shortage of memory.
        """

    @post("/wxaapi/log/get_performance", name="getPerformance", title="获取性能数据", repeat=Repeat.READ)
    async def costs(
        self,
        cost: Annotated[CostTime, Key("cost_time_type")],
        begin: Annotated[Timestamp, Key("default_start_time")],
        end: Annotated[Timestamp, Key("default_end_time")],
        *,
        device: str = "@_all",
        subpackages: Annotated[str, Key("is_download_code")] = "@_all",
        network: Annotated[str, Key("networktype")] = "@_all",
        scene: str = "@_all",
    ) -> Annotated[str, Key("default_time_data")]:
        """Return how long the start, its download or the first rendering took, as JSON text.

        The filters are texts of WeChat's page, such as "4g"; "@_all" is all.
        """

    @get("/wxaapi/log/get_scene", name="getSceneList", title="获取访问来源", repeat=Repeat.READ, errcodes=(507010,))
    async def scenes(self) -> Annotated[list[SceneName], Key("scene")]:
        """Return the entry scenes of the Mini Program."""

    @get("/wxaapi/log/get_client_version", name="getVersionList", title="获取客户端版本", repeat=Repeat.READ)
    async def client_versions(self) -> Annotated[list[ClientVersions], Key("cvlist")]:
        """Return the versions of WeChat on users' devices."""

    @get(
        "/wxaapi/userlog/userlog_search",
        name="realtimelogSearch",
        title="查询实时日志",
        repeat=Repeat.READ,
        errcodes=(200002, 200007, 200010),
    )
    async def log(
        self,
        day: Annotated[LogDay, Key("date")],
        begin: Annotated[Timestamp, Key("begintime")],
        end: Annotated[Timestamp, Key("endtime")],
        *,
        trace_id: Annotated[Text | None, Key("traceId")] = None,
        url: Text | None = None,
        openid: Annotated[Id | None, Key("id")] = None,
        filter_message: Annotated[Text | None, Key("filterMsg")] = None,
        level: LogLevel | None = None,
        start: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
    ) -> Annotated[LogPage, Key("data")]:
        """Return entries of the real-time log of a day."""

    @get("/wxaapi/feedback/list", name="getFeedback", title="获取用户反馈列表", repeat=Repeat.READ)
    async def feedback(
        self,
        *,
        kind: Annotated[Annotated[int, Field(ge=1, le=9)] | None, Key("type")] = None,
        page: Annotated[int, Field(ge=1)] = 1,
        count: Annotated[int, Field(ge=1, le=20), Key("num")] = 20,
    ) -> FeedbackPage:
        """Return up to 20 messages of users to the owner; all kinds if `kind` is left out."""

    @post("/wxa/getwxadevinfo", name="getDomainInfo", title="查询域名配置", repeat=Repeat.READ)
    async def domains(
        self,
        action: Literal["getbizdomain", "getserverdomain"] | None = None,
    ) -> Domains:
        """Return the domains that the Mini Program may use."""
