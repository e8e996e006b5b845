"""The team of a Mini Program's live rooms."""

from enum import IntEnum
from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Refused,
    Timestamp,
    get,
    post,
)


class LiveRole(IntEnum):
    """The role of a member; 0 is the owner."""

    ADMINISTRATOR = 1
    ANCHOR = 2
    OPERATOR = 3


class Member(Answer):
    """A member of the team."""

    openid: str = ""
    username: str = ""
    nickname: str = ""
    headimg: str = Field(default="", alias="headingimg")
    roles: tuple[int, ...] = Field(default=(), alias="roleList")
    updated: Timestamp | None = Field(default=None, alias="updateTimestamp")


class LiveMembers(Family):
    """The team of a Mini Program's live rooms."""

    title = "直播成员"
    kinds = ("mini_program",)

    @post(
        "/wxaapi/broadcast/role/addrole",
        name="addRole",
        title="设置成员角色",
        repeat=Repeat.READ,
        errcodes=(200002, 400001, 400002, 400003, 400004),
    )
    async def add(
        self, role: LiveRole, username: Annotated[Id, Refused(400001)]
    ) -> Annotated[str | None, Key("codeurl")]:
        """Give a user a role; return the address of the page on which an anchor proves the real name."""

    @post(
        "/wxaapi/broadcast/role/deleterole",
        name="deleteRole",
        title="移除成员角色",
        repeat=Repeat.READ,
        errcodes=(2003, 200002, 400001, 400005),
    )
    async def remove(self, role: LiveRole, username: Annotated[Id, Refused(400001)]) -> None:
        """Remove a role from a user."""

    @get("/wxaapi/broadcast/role/getrolelist", name="getRoleList", title="查询成员列表", repeat=Repeat.READ)
    async def all(
        self,
        *,
        role: Annotated[int, Field(ge=-1, le=3)] = -1,
        keyword: str | None = None,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=30)] = 30,
    ) -> Annotated[list[Member], Key("list")]:
        """Return up to 30 members, with all roles (-1), or the owner (0)."""
