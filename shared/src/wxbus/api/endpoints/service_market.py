"""Services of WeChat's market, and pages for WeChat's search."""

from typing import Annotated, Any, Final

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, Part, Refused, post

MARKET_ERRORS: Final = (9301001, 9301002, 9301003, 9301010, 9301011, 9301012, 9301014, 9301015)


class ServiceAnswer(Answer):
    """The answer of a service."""

    request_id: str = ""
    """Of an asynchronous call."""
    data: str = ""
    """JSON as text."""


class PagePath(Part):
    """A page of the Mini Program."""

    path: Annotated[str, Field(min_length=1)]
    query: str = ""


class ServiceMarket(Family):
    """Services of WeChat's market, and pages for WeChat's search."""

    title = "服务市场与搜索"
    kinds = ("mini_program",)

    @post(
        "/wxa/servicemarket",
        name="invokeService",
        title="调用服务市场接口",
        repeat=Repeat.READ,
        errcodes=MARKET_ERRORS,
    )
    async def invoke(
        self,
        service: Id,
        api: Annotated[str, Field(min_length=1)],
        data: dict[str, Any],
        client_msg_id: Id,
        *,
        asynchronous: Annotated[bool, Key("async")] = False,
    ) -> ServiceAnswer:
        """Call a service; `client_msg_id` is an id of yours for the call, for WeChat's logs."""

    @post(
        "/wxa/servicemarketretrieve",
        name="servicemarketretrieve",
        title="异步获取处理数据",
        repeat=Repeat.READ,
        errcodes=MARKET_ERRORS,
    )
    async def result(self, request_id: Id) -> ServiceAnswer:
        """Return the result of an asynchronous call."""

    @post(
        "/wxa/search/wxaapi_submitpages",
        name="submitpages",
        title="搜一搜数据推送",
        repeat=Repeat.READ,
        errcodes=(40066, 40211, 40212, 40219, 45002, 47004, 47006, 85083, 85091, 108001, 108002, 108003),
    )
    async def submit_pages(
        self, pages: Annotated[list[PagePath], Field(min_length=1, max_length=1000), Refused(47004)]
    ) -> None:
        """Submit up to 1000 pages to WeChat's search."""
