"""Conversations of users with customer-service agents, and their records."""

from typing import Annotated, Final

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, OpenId, Refused, Timestamp, get, post
from wxbus.api.endpoints.customer_service import KfAccount

DISABLED: Final = 65400
NO_ACCOUNT: Final = 65401
WRONG_PARAMETER: Final = 65416
MAX_RECORDS: Final = 10_000


class KfSession(Answer):
    """The conversation of a user."""

    kf_account: str = ""
    """Empty without a conversation."""
    createtime: Timestamp | None = None


class Conversation(Answer):
    """A conversation of an agent."""

    openid: str
    createtime: Timestamp | None = None


class WaitingUser(Answer):
    """A user who waits for an agent."""

    openid: str
    latest_time: Timestamp | None = None
    """Of the last message."""


class WaitingUsers(Answer):
    """The users who wait for an agent."""

    count: int = 0
    """Of all; the list has up to 100."""
    users: tuple[WaitingUser, ...] = Field(default=(), alias="waitcaselist")


class Record(Answer):
    """One message of a conversation."""

    openid: str = ""
    worker: str = ""
    """The account of the agent."""
    opercode: int = 0
    """2002: the agent sent it, 2003: the agent received it."""
    text: str = ""
    time: Timestamp | None = None


class RecordPage(Answer):
    """A page of records."""

    records: tuple[Record, ...] = Field(default=(), alias="recordlist")
    number: int = 0
    """Of this page; fewer than asked for: the last page."""
    next_id: str = Field(default="", alias="msgid")


class CustomerServiceSessions(Family):
    """Conversations with agents. A change comes as `CustomerServiceCreateSessionEvent` or a similar event."""

    title = "客服会话与记录"

    @post(
        "/customservice/kfsession/create",
        name="createkfsession",
        title="创建会话",
        repeat=Repeat.READ,
        errcodes=(DISABLED, NO_ACCOUNT, 65402, 65414, 65415),
    )
    async def create(self, kf_account: KfAccount, openid: OpenId) -> None:
        """Assign a user to an agent, who must be online."""

    @post(
        "/customservice/kfsession/close",
        name="closeSession",
        title="关闭会话",
        repeat=Repeat.READ,
        errcodes=(40003, NO_ACCOUNT, 65413, 65414),
    )
    async def close(self, kf_account: KfAccount, openid: OpenId) -> None:
        """End the conversation of a user with an agent."""

    @get(
        "/customservice/kfsession/getsession",
        name="getkfsession",
        title="获取客户会话状态",
        repeat=Repeat.READ,
        errcodes=(40003, DISABLED),
    )
    async def of_user(self, openid: OpenId) -> KfSession:
        """Return the agent of a user."""

    @get(
        "/customservice/kfsession/getsessionlist",
        name="getkfsessionlist",
        title="获取客服会话列表",
        repeat=Repeat.READ,
        errcodes=(DISABLED, NO_ACCOUNT, 65402),
    )
    async def of_account(self, kf_account: KfAccount) -> Annotated[list[Conversation], Key("sessionlist")]:
        """Return the conversations of an agent."""

    @get(
        "/customservice/kfsession/getwaitcase",
        name="getwaitcase",
        title="获取未接入会话列表",
        repeat=Repeat.READ,
        errcodes=(DISABLED,),
    )
    async def waiting(self) -> WaitingUsers:
        """Return the users who wait for an agent: the first 100."""

    @post(
        "/customservice/msgrecord/getmsglist",
        name="getMsgList",
        title="获取聊天记录",
        repeat=Repeat.READ,
        errcodes=(DISABLED, WRONG_PARAMETER, 65417),
    )
    async def records(
        self,
        start: Annotated[Timestamp, Key("starttime"), Refused(WRONG_PARAMETER)],
        end: Annotated[Timestamp, Key("endtime"), Refused(WRONG_PARAMETER)],
        *,
        from_id: Annotated[int, Field(ge=1), Key("msgid"), Refused(WRONG_PARAMETER)] = 1,
        number: Annotated[int, Field(ge=1, le=MAX_RECORDS), Refused(WRONG_PARAMETER)] = MAX_RECORDS,
    ) -> RecordPage:
        """Return a page of the messages of up to 24 hours of one day; `from_id` is the `next_id` of the page before."""

    @post("/customservice/msgrecord/getrecord", title="获取客服聊天记录(旧)", repeat=Repeat.READ)
    async def old_records(
        self,
        start: Annotated[Timestamp, Key("starttime")],
        end: Annotated[Timestamp, Key("endtime")],
        *,
        page: Annotated[int, Field(ge=1), Key("pageindex")] = 1,
        page_size: Annotated[int, Field(ge=1, le=50), Key("pagesize")] = 50,
    ) -> Annotated[list[Record], Key("recordlist")]:
        """Return a page of messages, from the older endpoint."""
