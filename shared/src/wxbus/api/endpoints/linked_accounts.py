"""The Mini Programs of an Official Account, and the Official Account that a Mini Program shows."""

from typing import Annotated, Final

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Flag,
    Id,
    Key,
    Timestamp,
    get,
    post,
)

LINK_ERRORS: Final = (89010, 89011, 89012, 89013, 89014, 89015, 89016, 89017, 89018)


class LinkedMiniProgram(Answer):
    """A Mini Program of the Official Account."""

    appid: str
    username: str = ""
    nickname: str = ""
    headimg_url: str = ""
    source: str = ""
    status: int = 0
    """1 linked, 2 waits for the owner, 3 refused, 12 waits for an administrator."""
    selected: bool = False
    released: bool = False


class LinkedMiniPrograms(Answer):
    """The Mini Programs of the Official Account."""

    items: tuple[LinkedMiniProgram, ...] = ()


class ShownAccount(Answer):
    """The Official Account that the Mini Program shows."""

    can_open: bool = False
    is_open: bool = False
    appid: str = ""
    nickname: str = ""
    headimg: str = ""


class ShowableAccount(Answer):
    """An Official Account that the Mini Program can show."""

    appid: str
    nickname: str = ""
    headimg: str = ""


class IllegalRecord(Answer):
    """A penalty of the Mini Program."""

    illegal_record_id: str
    illegal_reason: str = ""
    illegal_content: str = ""
    rule_name: str = ""
    rule_url: str = ""
    create_time: Timestamp | None = None


class Appeal(Answer):
    """An appeal against a penalty."""

    appeal_record_id: str
    appeal_count: int = 0
    appeal_from: int = 0
    appeal_status: int = 0
    punish_description: str = ""
    audit_reason: str = ""
    appeal_time: Timestamp | None = None


class LinkedAccounts(Family):
    """Links of an Official Account and Mini Programs, and penalties."""

    title = "关联账号与违规记录"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/wxopen/wxamplinkget",
        name="getLinkMiniprogram",
        title="获取公众号关联的小程序",
        repeat=Repeat.READ,
        kinds=("official_account",),
    )
    async def mini_programs(self) -> Annotated[LinkedMiniPrograms, Key("wxopens")]:
        """Return the Mini Programs of the Official Account."""

    @post(
        "/cgi-bin/wxopen/wxamplink",
        name="linkMiniprogram",
        title="关联小程序",
        repeat=Repeat.READ,
        errcodes=LINK_ERRORS,
        kinds=("official_account",),
    )
    async def link(self, appid: Id, *, notify_users: Flag = True, show_profile: Flag = True) -> None:
        """Link a Mini Program to the Official Account."""

    @post(
        "/cgi-bin/wxopen/wxampunlink",
        name="unlinkMiniprogram",
        title="解除已关联的小程序",
        repeat=Repeat.READ,
        errcodes=LINK_ERRORS,
        kinds=("official_account",),
    )
    async def unlink(self, appid: Id) -> None:
        """End the link of a Mini Program."""

    @get("/wxa/getshowwxaitem", name="getShowItem", title="获取展示的公众号信息", repeat=Repeat.READ)
    async def shown(self) -> ShownAccount:
        """Return the Official Account that the Mini Program shows."""

    @post("/wxa/updateshowwxaitem", name="setShowItem", title="设置展示的公众号信息", repeat=Repeat.READ)
    async def show(self, shown: Annotated[Flag, Key("wxa_subscribe_biz_flag")], *, appid: Id | None = None) -> None:
        """Let the Mini Program show an Official Account, or none."""

    @get("/wxa/getwxamplinkforshow", name="getLinkForShow", title="获取可以用来设置的公众号列表", repeat=Repeat.READ)
    async def showable(
        self, *, page: Annotated[int, Field(ge=0)] = 0, count: Annotated[int, Field(ge=1, le=20), Key("num")] = 20
    ) -> Annotated[list[ShowableAccount], Key("biz_info_list")]:
        """Return the Official Accounts that the Mini Program can show."""

    @post("/wxa/getillegalrecords", name="getIllegalRecords", title="获取小程序违规处罚记录", repeat=Repeat.READ)
    async def penalties(
        self,
        *,
        start: Annotated[Timestamp | None, Key("start_time")] = None,
        end: Annotated[Timestamp | None, Key("end_time")] = None,
    ) -> Annotated[list[IllegalRecord], Key("records")]:
        """Return the penalties of the Mini Program."""

    @post("/wxa/getappealrecords", name="getAppealRecords", title="获取小程序申诉记录", repeat=Repeat.READ)
    async def appeals(self, illegal_record_id: Id) -> Annotated[list[Appeal], Key("records")]:
        """Return the appeals against a penalty."""
