"""Accounts of the open platform, by which several accounts share the unionid of users."""

from typing import Annotated, Final, TypeAlias

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    Id,
    Key,
    Refused,
    get,
    post,
)

ERRORS: Final = (40013, 89000, 89001, 89003, 89004)

AppId: TypeAlias = Annotated[Id, Key("appid"), Refused(40013)]


class OpenAccounts(Family):
    """Accounts of the open platform."""

    title = "开放平台账号"
    kinds = ("official_account", "mini_program")

    @post(
        "/cgi-bin/open/create",
        name="createOpenAccount",
        title="创建开放平台账号并绑定公众号/小程序",
        repeat=Repeat.SEND,
        errcodes=(40013, 89000),
    )
    async def create(self, appid: AppId) -> Annotated[str, Key("open_appid")]:
        """Create an account for an Official Account or Mini Program; return its id."""

    @post(
        "/cgi-bin/open/bind",
        name="bindOpenAccount",
        title="将公众号/小程序绑定到开放平台账号",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def bind(self, appid: AppId, open_appid: Id) -> None:
        """Bind an Official Account or Mini Program."""

    @post(
        "/cgi-bin/open/unbind",
        name="unbindOpenAccount",
        title="将公众号/小程序从开放平台账号下解绑",
        repeat=Repeat.READ,
        errcodes=(40013, 89001, 89003),
    )
    async def unbind(self, appid: AppId, open_appid: Id) -> None:
        """Unbind an Official Account or Mini Program."""

    @post(
        "/cgi-bin/open/get",
        name="getOpenAccount",
        title="获取公众号/小程序所绑定的开放平台账号",
        repeat=Repeat.READ,
        errcodes=(40013, 89002),
    )
    async def find(self, appid: AppId) -> Annotated[str, Key("open_appid")]:
        """Return the account of an Official Account or Mini Program."""

    @post("/cgi-bin/open/have", name="haveOpenAccount", title="查询绑定的开放平台账号", repeat=Repeat.READ)
    async def is_bound(self) -> Annotated[bool, Key("have_open")]:
        """Return whether the account is bound."""

    @get(
        "/cgi-bin/open/sameentity",
        name="sameEntity",
        title="查询公众号/小程序与开放平台账号主体是否一致",
        repeat=Repeat.READ,
    )
    async def has_same_owner(self) -> Annotated[bool, Key("same_entity")]:
        """Return whether the account and its open account have the same owner."""
