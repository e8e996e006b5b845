"""Guides of an Official Account: persons who serve customers of a shop. A guide is named by account or openid."""

from typing import Annotated, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    Id,
    Key,
    NumberId,
    Timestamp,
    get,
    post,
)
from wxbus.api.endpoints.guide_content import (
    AccountConfig,
    AutoReply,
    ChatPage,
    FastReply,
    GroupMembers,
    Guide,
    GuideConfig,
    GuideGroup,
    GuidePage,
    Keywords,
    OfflineReply,
    PageNumber,
    PageSize,
)

GroupId: TypeAlias = Annotated[NumberId, Key("group_id")]


class Guides(Family):
    """Guides and their groups."""

    title = "导购"
    kinds = ("official_account",)

    @post("/cgi-bin/guide/addguideacct", name="addGuideAcct", title="添加顾问", repeat=Repeat.SEND)
    async def add(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        nickname: Annotated[str | None, Key("guide_nickname")] = None,
        picture_url: Annotated[str | None, Key("guide_headimgurl")] = None,
    ) -> None:
        """Make a user a guide, who must agree in WeChat."""

    @post("/cgi-bin/guide/updateguideacct", name="updateGuideAcct", title="修改顾问", repeat=Repeat.READ)
    async def change(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        nickname: Annotated[str | None, Key("guide_nickname")] = None,
        picture_url: Annotated[str | None, Key("guide_headimgurl")] = None,
    ) -> None:
        """Change name or picture of a guide."""

    @get("/cgi-bin/guide/getguideacct", name="getGuideAcct", title="获取顾问信息", repeat=Repeat.READ)
    async def find(self, *, guide_account: Id | None = None, guide_openid: Id | None = None) -> Guide:
        """Return a guide."""

    @post("/cgi-bin/guide/delguideacct", name="delGuideAcct", title="删除顾问", repeat=Repeat.READ)
    async def delete(self, *, guide_account: Id | None = None, guide_openid: Id | None = None) -> None:
        """Delete a guide."""

    @post("/cgi-bin/guide/getguideacctlist", name="getGuideAcctList", title="获取服务号顾问列表", repeat=Repeat.READ)
    async def page(self, *, page: PageNumber = 0, count: PageSize = 50) -> GuidePage:
        """Return up to 100 guides."""

    @post("/cgi-bin/guide/guidecreateqrcode", name="guideCreateQrCode", title="生成顾问二维码", repeat=Repeat.SEND)
    async def qr_code(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        scene: Annotated[str | None, Key("qrcode_info")] = None,
    ) -> Annotated[str, Key("qrcode_url")]:
        """Return the address of a QR code with which customers find a guide."""

    @post(
        "/cgi-bin/guide/getguidebuyerchatrecord",
        name="getGuideBuyerChatRecord",
        title="获取顾问聊天记录",
        repeat=Repeat.READ,
    )
    async def chat(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        openid: Id | None = None,
        begin: Annotated[Timestamp | None, Key("begin_time")] = None,
        end: Annotated[Timestamp | None, Key("end_time")] = None,
        page: PageNumber = 0,
        count: PageSize = 50,
    ) -> ChatPage:
        """Return up to 100 messages between a guide and customers."""

    @post(
        "/cgi-bin/guide/setguideconfig", name="setGuideConfig", title="设置快捷回复与关注自动回复", repeat=Repeat.READ
    )
    async def set_replies(
        self,
        *,
        guide_account: Id | None = None,
        guide_openid: Id | None = None,
        is_delete: bool = False,
        fast_replies: Annotated[list[FastReply] | None, Key("guide_fast_reply_list")] = None,
        auto_reply: Annotated[AutoReply | None, Key("guide_auto_reply")] = None,
        second_auto_reply: Annotated[AutoReply | None, Key("guide_auto_reply_plus")] = None,
    ) -> None:
        """Set or delete the replies of a guide."""

    @post(
        "/cgi-bin/guide/getguideconfig", name="getGuideConfig", title="获取快捷回复与关注自动回复", repeat=Repeat.READ
    )
    async def replies(self, *, guide_account: Id | None = None, guide_openid: Id | None = None) -> GuideConfig:
        """Return the replies of a guide."""

    @post(
        "/cgi-bin/guide/setguideacctconfig",
        name="setGuideAcctConfig",
        title="设置敏感词与离线自动回复",
        repeat=Repeat.READ,
    )
    async def set_rules(
        self,
        *,
        is_delete: bool = False,
        keywords: Annotated[Keywords | None, Key("black_keyword")] = None,
        offline_reply: Annotated[OfflineReply | None, Key("guide_auto_reply")] = None,
    ) -> None:
        """Set or delete the rules for all guides."""

    @post(
        "/cgi-bin/guide/getguideacctconfig",
        name="getGuideAcctConfig",
        title="获取敏感词与离线自动回复",
        repeat=Repeat.READ,
    )
    async def rules(self) -> AccountConfig:
        """Return the rules for all guides."""

    @post("/cgi-bin/guide/newguidegroup", name="newGuideGroup", title="新建顾问分组", repeat=Repeat.SEND)
    async def create_group(
        self, name: Annotated[str, Field(min_length=1, max_length=64), Key("group_name")]
    ) -> Annotated[str, Key("group_id")]:
        """Create a group and return its id."""

    @post("/cgi-bin/guide/getguidegrouplist", name="getGuideGroupList", title="获取顾问分组列表", repeat=Repeat.READ)
    async def groups(self) -> Annotated[list[GuideGroup], Key("group_list")]:
        """Return the groups."""

    @post("/cgi-bin/guide/getgroupinfo", name="getGroupInfo", title="获取分组内顾问", repeat=Repeat.READ)
    async def group(self, group_id: GroupId, *, page: PageNumber = 0, count: PageSize = 50) -> GroupMembers:
        """Return up to 100 guides of a group."""

    @post("/cgi-bin/guide/addguide2guidegroup", name="addGuide2GuideGroup", title="分组内添加顾问", repeat=Repeat.READ)
    async def add_to_group(self, group_id: GroupId, guide_account: Id) -> None:
        """Add a guide to a group."""

    @post("/cgi-bin/guide/delguide2guidegroup", name="delGuide2GuideGroup", title="分组内删除顾问", repeat=Repeat.READ)
    async def remove_from_group(self, group_id: GroupId, guide_account: Id) -> None:
        """Remove a guide from a group."""

    @post("/cgi-bin/guide/delguidegroup", name="delGuideGroup", title="删除顾问分组", repeat=Repeat.READ)
    async def delete_group(self, group_id: GroupId) -> None:
        """Delete a group."""
