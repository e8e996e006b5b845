"""Members, departments and tags of a corp, to read (WeCom reference 4.2)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, get, post


class BriefMember(Answer):
    """A member of a department."""

    userid: str
    name: str = ""
    department: list[int] = Field(default_factory=list)
    open_userid: str = ""


class Member(BriefMember):
    """A member. Newer applications get mobile, mail, picture, gender and address only by OAuth."""

    position: str = ""
    mobile: str = ""
    gender: str = ""
    email: str = ""
    biz_mail: str = ""
    avatar: str = ""
    status: int | None = None
    """1 active, 2 disabled, 4 not activated, 5 left."""
    is_leader_in_dept: list[int] = Field(default_factory=list)
    direct_leader: list[str] = Field(default_factory=list)
    main_department: int | None = None
    alias: str = ""
    telephone: str = ""
    address: str = ""
    extattr: dict[str, Any] = Field(default_factory=dict)


class MemberIds(Answer):
    """A page of userids with a department each."""

    next_cursor: str = ""
    """"" on the last page."""
    members: list[BriefMember] = Field(default_factory=list, alias="dept_user")


class Department(Answer):
    """A department."""

    id: int
    name: str = ""
    name_en: str = ""
    leaders: list[str] = Field(default_factory=list, alias="department_leader")
    parent_id: int | None = Field(default=None, alias="parentid")
    order: int | None = None


class MemberTag(Answer):
    """A tag."""

    id: int = Field(alias="tagid")
    name: str = Field(default="", alias="tagname")


class TaggedMembers(Answer):
    """The members and departments with a tag."""

    name: str = Field(default="", alias="tagname")
    members: list[BriefMember] = Field(default_factory=list, alias="userlist")
    departments: list[int] = Field(default_factory=list, alias="partylist")


class Members(Family):
    """Members that the application may see."""

    title = "企业微信：成员"
    kinds = ("wecom",)

    @get("/cgi-bin/user/get", title="读取成员", repeat=Repeat.READ, errcodes=(60111,))
    async def details(self, userid: Id) -> Member:
        """Return a member."""

    @get("/cgi-bin/user/simplelist", title="获取部门成员", repeat=Repeat.READ)
    async def of_department(self, department_id: int) -> Annotated[list[BriefMember], Key("userlist")]:
        """Return the members of a department with their names."""

    @get("/cgi-bin/user/list", title="获取部门成员详情", repeat=Repeat.READ)
    async def details_of_department(self, department_id: int) -> Annotated[list[Member], Key("userlist")]:
        """Return the members of a department with all fields that the application may see."""

    @post("/cgi-bin/user/list_id", title="获取成员ID列表", repeat=Repeat.READ)
    async def ids(
        self,
        *,
        cursor: Annotated[str, Field(max_length=512)] | None = None,
        limit: Annotated[int, Field(ge=1, le=10_000)] = 10_000,
    ) -> MemberIds:
        """Return a page of all userids of the corp."""

    @post("/cgi-bin/user/getuserid", title="手机号获取userid", repeat=Repeat.READ)
    async def id_of_mobile(
        self, mobile: Annotated[str, Field(min_length=5, max_length=32)]
    ) -> Annotated[str, Key("userid")]:
        """Return the userid for a mobile number; many wrong numbers block the call."""

    @post("/cgi-bin/user/get_userid_by_email", title="邮箱获取userid", repeat=Repeat.READ)
    async def id_of_email(
        self, email: Annotated[str, Field(min_length=3, max_length=256)], *, email_type: Literal[1, 2] | None = None
    ) -> Annotated[str, Key("userid")]:
        """Return the userid for a mail address: 1 of the corp (the default), 2 of the member."""

    @post("/cgi-bin/user/convert_to_openid", title="userid转openid", repeat=Repeat.READ)
    async def openid(self, userid: Id) -> Annotated[str, Key("openid")]:
        """Return the openid of a member, for WeChat Pay."""

    @post("/cgi-bin/user/convert_to_userid", title="openid转userid", repeat=Repeat.READ)
    async def id_of_openid(self, openid: Id) -> Annotated[str, Key("userid")]:
        """Return the userid for an openid."""


class Departments(Family):
    """Departments that the application may see."""

    title = "企业微信：部门"
    kinds = ("wecom",)

    @get("/cgi-bin/department/list", title="获取部门列表", repeat=Repeat.READ)
    async def all(self, *, id: int | None = None) -> Annotated[list[Department], Key("department")]:  # noqa: A002 - WeCom's name
        """Return a department and all below it; by default all of the corp."""

    @get("/cgi-bin/department/simplelist", title="获取子部门ID列表", repeat=Repeat.READ)
    async def ids(self, *, id: int | None = None) -> Annotated[list[Department], Key("department_id")]:  # noqa: A002 - WeCom's name
        """Return the ids of a department and all below it, with parent and order."""

    @get("/cgi-bin/department/get", title="获取单个部门详情", repeat=Repeat.READ)
    async def details(self, id: int) -> Annotated[Department, Key("department")]:  # noqa: A002 - WeCom's name
        """Return a department."""


class MemberTags(Family):
    """Tags of members and departments."""

    title = "企业微信：标签"
    kinds = ("wecom",)

    @get("/cgi-bin/tag/list", title="获取标签列表", repeat=Repeat.READ)
    async def all(self) -> Annotated[list[MemberTag], Key("taglist")]:
        """Return all tags that the application may see."""

    @get("/cgi-bin/tag/get", title="获取标签成员", repeat=Repeat.READ)
    async def members(self, tag_id: Annotated[int, Key("tagid")]) -> TaggedMembers:
        """Return the members and departments with a tag."""
