"""Links that open a page of a Mini Program from outside of WeChat and inside of it."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, Merged, Part, Refused, Timestamp, post
from wxbus.api.endpoints.mini_program_codes import EnvVersion

WRONG_PAGE: Final = 40165
WRONG_QUERY: Final = 40212
WRONG_EXPIRY: Final = 85401
LINK_ERRORS: Final = (40002, WRONG_PAGE, WRONG_QUERY, 44990, 44993, 85079, 85402)

PagePath: TypeAlias = Annotated[str, Field(max_length=1024), Refused(WRONG_PAGE)]
"""A released page, without query."""
PageQuery: TypeAlias = Annotated[str, Field(max_length=1024), Refused(WRONG_QUERY)]
"""The query that the page gets, such as "a=1"."""


class ExpireAt(Part):
    """The link expires at a moment within 30 days."""

    is_expire: Literal[True] = True
    expire_type: Literal[0] = 0
    moment: Timestamp = Field(validation_alias="expire_time", serialization_alias="expire_time")


class ExpireAfter(Part):
    """The link expires after 1 to 30 days."""

    is_expire: Literal[True] = True
    expire_type: Literal[1] = 1
    days: int = Field(validation_alias="expire_interval", serialization_alias="expire_interval", ge=1, le=30)


Expiry: TypeAlias = Annotated[ExpireAfter | ExpireAt, Merged(), Refused(WRONG_EXPIRY)]


class CloudPage(Part):
    """A static page of the cloud base that opens the Mini Program."""

    env: str
    domain: str | None = None
    path: str | None = None
    query: str | None = None
    resource_appid: str | None = None


class LinkTarget(Answer):
    """The target of a link."""

    appid: str
    path: str = ""
    query: str = ""
    env_version: str = ""
    create_time: Timestamp | None = None
    expire_time: int = 0
    """Seconds since the epoch; 0: the link does not expire."""


class MiniProgramLinks(Family):
    """Links to the Mini Program. Schemes and URL Links are 500,000 a day together, opened 3,000,000 times a day."""

    title = "小程序链接"
    kinds = ("mini_program",)

    @post(
        "/wxa/generatescheme",
        name="generateScheme",
        title="获取加密scheme码",
        repeat=Repeat.SEND,
        errcodes=(*LINK_ERRORS, WRONG_EXPIRY, 85406, 85407, 85408),
    )
    async def create_scheme(
        self,
        expiry: Expiry,
        *,
        path: Annotated[PagePath | None, Key("jump_wxa.path")] = None,
        query: Annotated[PageQuery | None, Key("jump_wxa.query")] = None,
        env_version: Annotated[EnvVersion | None, Key("jump_wxa.env_version"), Refused(85402)] = None,
    ) -> Annotated[str, Key("openlink")]:
        """Return a `weixin://` address that other apps, text messages and mails open; by default the first page."""

    @post(
        "/wxa/queryscheme",
        name="queryScheme",
        title="查询scheme码",
        repeat=Repeat.READ,
        errcodes=(40002, 40097, WRONG_PAGE, WRONG_QUERY, 85402, 85403, 85405),
        fixed={"query_type": 0},
    )
    async def scheme_info(
        self, scheme: Annotated[str, Field(min_length=1, max_length=1024), Refused(40097)]
    ) -> Annotated[LinkTarget, Key("scheme_info")]:
        """Return the target of a scheme."""

    @post(
        "/wxa/generatenfcscheme",
        name="generateNFCScheme",
        title="获取NFC的小程序scheme",
        repeat=Repeat.SEND,
        errcodes=(*LINK_ERRORS, 9800003, 9800007, 9800008, 9800009),
    )
    async def create_nfc_scheme(
        self,
        model_id: Annotated[str, Field(min_length=1, max_length=64), Refused(9800003)],
        *,
        sn: str | None = None,
        path: Annotated[PagePath | None, Key("jump_wxa.path")] = None,
        query: Annotated[PageQuery | None, Key("jump_wxa.query")] = None,
        env_version: Annotated[EnvVersion | None, Key("jump_wxa.env_version"), Refused(85402)] = None,
    ) -> Annotated[str, Key("openlink")]:
        """Return an address for NFC devices of a model; `sn` for models with a code for each device."""

    @post(
        "/wxa/generate_urllink",
        name="generateUrlLink",
        title="获取加密URLLink",
        repeat=Repeat.SEND,
        errcodes=(*LINK_ERRORS, 85088, WRONG_EXPIRY, 85406, 85407, 85408),
    )
    async def create_url_link(
        self,
        expiry: Expiry,
        *,
        path: PagePath | None = None,
        query: PageQuery | None = None,
        env_version: Annotated[EnvVersion | None, Refused(85402)] = None,
        cloud_page: Annotated[CloudPage | None, Key("cloud_base"), Refused(85088)] = None,
    ) -> Annotated[str, Key("url_link")]:
        """Return an `https://` address that opens the Mini Program; by default the first page."""

    @post(
        "/wxa/query_urllink",
        name="queryUrlLink",
        title="查询加密URLLink",
        repeat=Repeat.READ,
        errcodes=(40097, 85403),
        fixed={"query_type": 0},
    )
    async def url_link_info(
        self, url_link: Annotated[str, Field(min_length=1, max_length=1024), Refused(40097)]
    ) -> Annotated[LinkTarget, Key("url_link_info")]:
        """Return the target of a URL Link."""

    @post(
        "/wxa/queryscheme",
        name="queryScheme",
        title="查询scheme码",
        repeat=Repeat.READ,
        errcodes=(40002, 40097),
        fixed={"query_type": 1},
    )
    async def remaining_visits(self) -> Annotated[int, Key("quota_info.remain_visit_quota")]:
        """Return how often schemes and URL Links can still be opened today."""

    @post(
        "/wxa/genwxashortlink",
        name="generateShortLink",
        title="获取ShortLink",
        repeat=Repeat.SEND,
        errcodes=(40066, 40225, 43104, 85400),
    )
    async def create_short_link(
        self,
        page: Annotated[str, Field(min_length=1, max_length=1024), Key("page_url"), Refused(40066)],
        *,
        title: Annotated[str | None, Field(max_length=20), Key("page_title"), Refused(40225)] = None,
        permanent: Annotated[bool, Key("is_permanent")] = False,
    ) -> Annotated[str, Key("link")]:
        """Return a link to a page with its query, for use inside of WeChat.

        It expires after 30 days, unless it is permanent; a Mini Program can have 100,000 permanent ones.
        """
