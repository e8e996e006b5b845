"""Followers of an Official Account: profiles, remarks, the blacklist."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Id, Key, MaxBytes, OpenId, Part, Refused, Timestamp, get, post

WRONG_COUNT: Final = 40032
FOREIGN: Final = 49003

Language: TypeAlias = Literal["zh_CN", "zh_TW", "en"]
Blacklisted: TypeAlias = Annotated[
    Sequence[OpenId], Field(min_length=1, max_length=20), Key("openid_list"), Refused(WRONG_COUNT)
]
"""Up to 20 users."""


class User(Answer):
    """A user of the account. Since 2021 WeChat sends no names and pictures of followers."""

    openid: str
    subscribe: Flag = False
    """Whether the user follows the account; the fields below are only of followers."""
    unionid: str = ""
    """The same for all accounts of an Open Platform account."""
    language: str = ""
    subscribe_time: Timestamp | None = None
    """When the user last followed."""
    subscribe_scene: str = ""
    """How the user found the account, such as ADD_SCENE_QR_CODE."""
    remark: str = ""
    tagid_list: tuple[int, ...] = ()
    qr_scene: str = ""
    """The number of the QR code that the user scanned."""
    qr_scene_str: str = ""
    """The scene of the QR code that the user scanned."""


class UserQuery(Part):
    """A user to look up."""

    openid: OpenId
    lang: Language = "zh_CN"


class OpenIds(Answer):
    """The openids of a page."""

    openid: tuple[str, ...] = ()


class UserPage(Answer):
    """A page of the list of users."""

    total: int = 0
    """Of all pages."""
    count: int = 0
    data: OpenIds = Field(default_factory=OpenIds)
    next_openid: str = ""
    """Begins the next page; "" after the last one."""


class ChangedOpenId(Answer):
    """The new openid of a user, after the account was migrated."""

    ori_openid: str
    new_openid: str = ""
    err_msg: str = ""
    """"ok" if there is a new openid."""


class Users(Family):
    """Followers of the account."""

    title = "用户"

    @get("/cgi-bin/user/info", name="userInfo", title="获取用户基本信息", repeat=Repeat.READ, errcodes=(40003,))
    async def info(self, openid: OpenId, *, language: Annotated[Language | None, Key("lang")] = None) -> User:
        """Return a user; `subscribe` is False for one who does not follow the account."""

    @post(
        "/cgi-bin/user/info/batchget",
        name="batchUserinfo",
        title="批量获取用户基本信息",
        repeat=Repeat.READ,
        errcodes=(40003, WRONG_COUNT),
    )
    async def info_of_many(
        self,
        users: Annotated[
            Sequence[UserQuery], Field(min_length=1, max_length=100), Key("user_list"), Refused(WRONG_COUNT)
        ],
    ) -> Annotated[list[User], Key("user_info_list")]:
        """Return up to 100 users."""

    @get(
        "/cgi-bin/user/get",
        name="getFans",
        title="获取关注用户列表",
        repeat=Repeat.READ,
        errcodes=(40003, 268487002),
    )
    async def followers(
        self, *, start: Annotated[str | None, Field(max_length=128), Key("next_openid"), Refused(40003)] = None
    ) -> UserPage:
        """Return a page of up to 10,000 openids of followers; `start` is the `next_openid` of the page before."""

    @post(
        "/cgi-bin/user/info/updateremark",
        name="updateRemark",
        title="设置用户备注名",
        repeat=Repeat.READ,
        errcodes=(40003, 40092, 43004),
    )
    async def set_remark(self, openid: OpenId, remark: Annotated[str, MaxBytes(29), Refused(40092)]) -> None:
        """Set the remark of a follower, less than 30 bytes; "" removes it."""

    @post(
        "/cgi-bin/tags/members/getblacklist",
        name="getBlacklist",
        title="获取公众号的黑名单列表",
        repeat=Repeat.READ,
        errcodes=(40003, FOREIGN),
    )
    async def blacklist(
        self, *, start: Annotated[str, Field(max_length=128), Key("begin_openid"), Refused(40003)] = ""
    ) -> UserPage:
        """Return a page of up to 1,000 openids of the blacklist; `start` is the `next_openid` of the page before."""

    @post(
        "/cgi-bin/tags/members/batchblacklist",
        name="batchBlacklist",
        title="拉黑用户",
        repeat=Repeat.READ,
        errcodes=(40003, WRONG_COUNT, FOREIGN, 268487001),
    )
    async def block(self, openids: Blacklisted) -> None:
        """Put users on the blacklist."""

    @post(
        "/cgi-bin/tags/members/batchunblacklist",
        name="batchUnblacklist",
        title="取消拉黑用户",
        repeat=Repeat.READ,
        errcodes=(40003, WRONG_COUNT),
    )
    async def unblock(self, openids: Blacklisted) -> None:
        """Take users off the blacklist."""

    @post(
        "/cgi-bin/changeopenid",
        name="changeOpenid",
        title="转换openid",
        repeat=Repeat.READ,
        errcodes=(63178, 63179, 40003),
    )
    async def change_openids(
        self,
        from_appid: Annotated[Id, Refused(63178)],
        openids: Annotated[Sequence[OpenId], Field(min_length=1, max_length=100), Key("openid_list"), Refused(63179)],
    ) -> Annotated[list[ChangedOpenId], Key("result_list")]:
        """Return the openids that users of the account `from_appid` have in this one, after a migration."""
