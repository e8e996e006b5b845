"""JavaScript errors of a Mini Program on its users' devices."""

from datetime import timedelta, timezone
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Key, post

CHINA: Final = timezone(timedelta(hours=8))

Text: TypeAlias = Annotated[str, Field(max_length=256)]
LogTime: TypeAlias = Annotated[
    AwareDatetime,
    BeforeValidator(lambda found: f"{found}+08:00" if isinstance(found, str) and len(found) == 19 else found),
    PlainSerializer(lambda time: time.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"), return_type=str),
]
"""A moment with a timezone, sent as the time in China."""


class JsError(Answer):
    """A JavaScript error, counted."""

    message: str = Field(default="", alias="errorMsg")
    message_md5: str = Field(default="", alias="errorMsgMd5")
    stack: str = Field(default="", alias="errorStack")
    stack_md5: str = Field(default="", alias="errorStackMd5")
    uv: int = 0
    """Users who had the error."""
    pv: int = 0


class JsErrorPage(Answer):
    """A page of JavaScript errors."""

    total: int = Field(default=0, alias="totalCount")
    items: tuple[JsError, ...] = Field(default=(), alias="data")


class JsErrorCase(Answer):
    """One case of a JavaScript error."""

    openid: str = Field(default="", alias="openId")
    source: str = ""
    route: str = ""
    message: str = Field(default="", alias="errorMsg")
    stack: str = Field(default="", alias="errorStack")
    app_version: str = Field(default="", alias="appVersion")
    sdk_version: str = Field(default="", alias="sdkVersion")
    client_version: str = Field(default="", alias="clientVersion")
    os: str = Field(default="", alias="osName")
    device: str = Field(default="", alias="DeviceModel")
    time: str = Field(default="", alias="TimeStamp")


class JsErrorCases(Answer):
    """A page of cases."""

    total: int = Field(default=0, alias="totalCount")
    items: tuple[JsErrorCase, ...] = Field(default=(), alias="data")


class JsErrors(Family):
    """JavaScript errors of a Mini Program."""

    title = "js 错误"
    kinds = ("mini_program",)

    @post("/wxaapi/log/jserr_list", name="getJsErrList", title="查询错误列表", repeat=Repeat.READ, errcodes=(20011,))
    async def page(
        self,
        start: Annotated[LogTime, Key("startTime")],
        end: Annotated[LogTime, Key("endTime")],
        *,
        error_type: Annotated[Literal["0", "1", "2", "3"], Key("errType")] = "0",
        app_version: Annotated[Text, Key("appVersion")] = "0",
        openid: Text = "",
        keyword: Text = "",
        order_by: Annotated[Literal["uv", "pv"], Key("orderby")] = "uv",
        descending: Annotated[Flag, Key("desc")] = True,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=30)] = 30,
    ) -> JsErrorPage:
        """Return up to 30 JavaScript errors: all (type 0), of the Mini Program (1), of plug-ins (2), or others (3)."""

    @post("/wxaapi/log/jserr_detail", name="getJsErrDetail", title="查询js错误详情", repeat=Repeat.READ, errcodes=(-3,))
    async def cases(
        self,
        message_md5: Annotated[Text, Key("errorMsgMd5")],
        stack_md5: Annotated[Text, Key("errorStackMd5")],
        start: Annotated[LogTime, Key("startTime")],
        end: Annotated[LogTime, Key("endTime")],
        *,
        app_version: Annotated[Text, Key("appVersion")] = "0",
        sdk_version: Annotated[Text, Key("sdkVersion")] = "0",
        os: Annotated[Literal["0", "1", "2", "3"], Key("osName")] = "0",
        client_version: Annotated[Text, Key("clientVersion")] = "0",
        openid: Text = "",
        descending: Annotated[Flag, Key("desc")] = True,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=30)] = 30,
    ) -> JsErrorCases:
        """Return up to 30 cases of an error; "0" stands for all versions and systems, 1 Android, 2 iOS, 3 others."""
