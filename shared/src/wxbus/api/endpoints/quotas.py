"""The limits of an account's calls, and their resets."""

from typing import Annotated, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, Refused, Timestamp, post

ApiPath: TypeAlias = Annotated[
    str,
    Field(max_length=256, pattern=r"^/[A-Za-z0-9_/.-]+$", examples=["/cgi-bin/message/custom/send"]),
    Key("cgi_path"),
    Refused(76021),
]
"""The path of an endpoint, such as /cgi-bin/message/custom/send; WeChat has none for /sns/."""


class DailyQuota(Answer):
    """Calls of a day."""

    daily_limit: int = 0
    used: int = 0
    """Up to 1 % inexact."""
    remain: int = 0


class RateLimit(Answer):
    """Calls of a short time."""

    call_count: int = 0
    refresh_second: int = 0


class ApiQuota(Answer):
    """The limits of an endpoint."""

    quota: DailyQuota = DailyQuota()
    rate_limit: RateLimit | None = None
    component_rate_limit: RateLimit | None = None
    """Of the third-party platform, which calls for the account."""


class RequestInfo(Answer):
    """A request that WeChat refused. Body and answer contain what was sent, secrets included."""

    invoke_time: Timestamp | None = None
    cost_in_ms: int = 0
    request_url: str = Field(default="", repr=False)
    request_body: str = Field(default="", repr=False)
    response_body: str = Field(default="", repr=False)
    client_ip: str = ""


class Quotas(Family):
    """Limits of calls, and how to reset them; the token service resets with the AppSecret (`quota/reset`)."""

    title = "接口调用额度"
    kinds = ("official_account", "mini_program", "component")

    @post(
        "/cgi-bin/openapi/quota/get",
        name="getApiQuota",
        title="查询API调用额度",
        repeat=Repeat.READ,
        errcodes=(76003, 76021, 76022),
    )
    async def find(self, path: ApiPath) -> ApiQuota:
        """Return the limits of an endpoint, and the number of today's calls."""

    @post(
        "/cgi-bin/openapi/quota/clear",
        name="clearApiQuota",
        title="重置指定API调用次数",
        repeat=Repeat.NEVER,
        errcodes=(48006, 76021, 76022),
    )
    async def reset(self, path: ApiPath) -> None:
        """Reset the calls of an endpoint; 50 times a month."""

    @post(
        "/cgi-bin/clear_quota",
        name="clearQuota",
        title="重置API调用次数",
        repeat=Repeat.NEVER,
        errcodes=(40013, 48006),
    )
    async def reset_all(self, appid: Annotated[Id, Refused(40013)]) -> None:
        """Reset the calls of all endpoints of the account with this appid; 10 times a month."""

    @post(
        "/cgi-bin/openapi/rid/get",
        name="getRidInfo",
        title="查询rid信息",
        repeat=Repeat.READ,
        errcodes=(76001, 76002, 76003, 76004),
    )
    async def request_info(
        self,
        rid: Annotated[
            str, Field(pattern=r"^[0-9a-f]+(-[0-9a-f]+)*$", max_length=64, examples=["12ab-34cd"]), Refused(76002)
        ],
    ) -> Annotated[RequestInfo, Key("request")]:
        """Return a request of the last 7 days by the `rid` that is in the text of its error."""
