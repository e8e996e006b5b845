"""Tags of followers, and the older groups."""

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, OpenId, Refused, get, post
from wxbus.api.endpoints.users import FOREIGN, WRONG_COUNT, OpenIds

SYSTEM_TAG: Final = 45058
NAME_TAKEN: Final = 45157
NAME_TOO_LONG: Final = 45158
NO_TAG: Final = 45159
MEMBER_ERRORS: Final = (40003, WRONG_COUNT, NO_TAG, 45169, 45171, FOREIGN)
GROUP_ERRORS: Final = (40050, 40051, 45016, 45017, 45018)

TagName: TypeAlias = Annotated[str, Field(min_length=1, max_length=30), Key("tag.name"), Refused(NAME_TOO_LONG)]
TagId: TypeAlias = Annotated[int, Field(ge=0), Refused(NO_TAG)]
Members: TypeAlias = Annotated[
    Sequence[OpenId], Field(min_length=1, max_length=50), Key("openid_list"), Refused(WRONG_COUNT)
]
"""Up to 50 followers."""
GroupName: TypeAlias = Annotated[str, Field(min_length=1, max_length=30), Key("group.name"), Refused(45017)]
GroupId: TypeAlias = Annotated[int, Field(ge=0), Refused(40050)]


class Tag(Answer):
    """A tag, or a group."""

    id: int
    """0, 1 and 2 are WeChat's own."""
    name: str = ""
    count: int = 0
    """The number of its followers."""


class TaggedPage(Answer):
    """A page of the followers with a tag."""

    count: int = 0
    data: OpenIds = Field(default_factory=OpenIds)
    next_openid: str = ""
    """Begins the next page; "" after the last one."""


class Tags(Family):
    """Tags: an account has up to 100, a follower up to 20."""

    title = "用户标签"

    @post(
        "/cgi-bin/tags/create",
        name="createTag",
        title="创建标签",
        repeat=Repeat.SEND,
        errcodes=(45056, NAME_TAKEN, NAME_TOO_LONG),
    )
    async def create(self, name: TagName) -> Annotated[Tag, Key("tag")]:
        """Create a tag. A second tag of the same name is refused (45157)."""

    @get("/cgi-bin/tags/get", name="getTags", title="获取标签", repeat=Repeat.READ)
    async def all(self) -> Annotated[list[Tag], Key("tags")]:
        """Return the tags of the account."""

    @post(
        "/cgi-bin/tags/update",
        name="updateTag",
        title="编辑标签",
        repeat=Repeat.READ,
        errcodes=(SYSTEM_TAG, NAME_TAKEN, NAME_TOO_LONG, NO_TAG),
    )
    async def rename(self, tag_id: Annotated[TagId, Key("tag.id")], name: TagName) -> None:
        """Rename a tag."""

    @post(
        "/cgi-bin/tags/delete",
        name="deleteTag",
        title="删除标签",
        repeat=Repeat.READ,
        errcodes=(45057, SYSTEM_TAG, NO_TAG),
    )
    async def delete(self, tag_id: Annotated[TagId, Key("tag.id")]) -> None:
        """Delete a tag of up to 100,000 followers."""

    @post(
        "/cgi-bin/user/tag/get",
        name="getTagFans",
        title="获取标签下粉丝列表",
        repeat=Repeat.READ,
        errcodes=(40003, NO_TAG),
    )
    async def followers(
        self,
        tag_id: Annotated[TagId, Key("tagid")],
        *,
        start: Annotated[str, Field(max_length=128), Key("next_openid"), Refused(40003)] = "",
    ) -> TaggedPage:
        """Return a page of the followers with a tag; `start` is the `next_openid` of the page before."""

    @post(
        "/cgi-bin/tags/members/batchtagging",
        name="batchTagging",
        title="批量为用户打标签",
        repeat=Repeat.READ,
        errcodes=(*MEMBER_ERRORS, 45059, 50005),
    )
    async def add(self, tag_id: Annotated[TagId, Key("tagid")], openids: Members) -> None:
        """Add a tag to followers. If some of them fail (45171), the error's `answer` has `fail_openid_list`."""

    @post(
        "/cgi-bin/tags/members/batchuntagging",
        name="batchUntagging",
        title="批量为用户取消标签",
        repeat=Repeat.READ,
        errcodes=MEMBER_ERRORS,
    )
    async def remove(self, tag_id: Annotated[TagId, Key("tagid")], openids: Members) -> None:
        """Remove a tag from followers."""

    @post(
        "/cgi-bin/tags/getidlist",
        name="getTagidList",
        title="获取用户的标签列表",
        repeat=Repeat.READ,
        errcodes=(40003, FOREIGN),
    )
    async def of(self, openid: OpenId) -> Annotated[list[int], Key("tagid_list")]:
        """Return the ids of the tags of a follower."""


class Groups(Family):
    """Groups, which tags have replaced."""

    title = "用户分组（旧）"

    @post("/cgi-bin/groups/create", title="创建分组", repeat=Repeat.SEND, errcodes=GROUP_ERRORS)
    async def create(self, name: GroupName) -> Annotated[Tag, Key("group")]:
        """Create a group."""

    @get("/cgi-bin/groups/get", title="查询所有分组", repeat=Repeat.READ)
    async def all(self) -> Annotated[list[Tag], Key("groups")]:
        """Return the groups of the account."""

    @post("/cgi-bin/groups/getid", title="查询用户所在分组", repeat=Repeat.READ, errcodes=(40003,))
    async def of(self, openid: OpenId) -> Annotated[int, Key("groupid")]:
        """Return the id of the group of a follower."""

    @post("/cgi-bin/groups/update", title="修改分组名", repeat=Repeat.READ, errcodes=GROUP_ERRORS)
    async def rename(self, group_id: Annotated[GroupId, Key("group.id")], name: GroupName) -> None:
        """Rename a group."""

    @post("/cgi-bin/groups/members/update", title="移动用户分组", repeat=Repeat.READ, errcodes=GROUP_ERRORS)
    async def move(self, openid: OpenId, group_id: Annotated[GroupId, Key("to_groupid")]) -> None:
        """Move a follower to a group."""

    @post("/cgi-bin/groups/members/batchupdate", title="批量移动用户分组", repeat=Repeat.READ, errcodes=GROUP_ERRORS)
    async def move_many(self, openids: Members, group_id: Annotated[GroupId, Key("to_groupid")]) -> None:
        """Move up to 50 followers to a group."""

    @post("/cgi-bin/groups/delete", title="删除分组", repeat=Repeat.READ, errcodes=GROUP_ERRORS)
    async def delete(self, group_id: Annotated[GroupId, Key("group.id")]) -> None:
        """Delete a group; its followers move to the group 0."""
