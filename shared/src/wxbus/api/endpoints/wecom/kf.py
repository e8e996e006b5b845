"""WeChat Customer Service (WeCom reference 7)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, MaxBytes, Merged, get, post

Account: TypeAlias = Annotated[Id, Key("open_kfid")]
Customer: TypeAlias = Annotated[Id, Key("external_userid")]
MessageId: TypeAlias = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$", examples=["message-1"]), Key("msgid")]
State: TypeAlias = Literal[0, 1, 2, 3, 4]


class Page(Answer):
    """A page of messages and events, oldest first."""

    next_cursor: str = ""
    has_more: bool = False
    """Whether another page follows, even if this one is empty."""
    items: list[dict[str, Any]] = Field(default_factory=list, alias="msg_list")


class SessionState(Answer):
    """The state of a conversation, and its servicer."""

    service_state: int
    """0 new, 1 the application, 2 the waiting pool, 3 a servicer, 4 ended."""
    servicer_userid: str = ""
    """In state 3."""


class KfAccount(Answer):
    """A customer-service account."""

    open_kfid: str
    name: str = ""
    avatar: str = ""
    manage_privilege: bool = False
    """Whether the application may manage it."""


class Servicer(Answer):
    """A member who serves customers."""

    userid: str = ""
    status: int | None = None
    """0 receiving, 1 stopped."""
    department_id: int | None = None


class ServicerResult(Answer):
    """The result for one member."""

    userid: str = ""
    department_id: int | None = None
    errcode: int = 0
    errmsg: str = ""


class CustomerInfo(Answer):
    """A customer."""

    external_userid: str
    nickname: str = ""
    avatar: str = ""
    gender: int | None = None
    unionid: str = ""
    enter_session_context: dict[str, Any] = Field(default_factory=dict)


class Customers(Answer):
    """Customers, and ids that are wrong."""

    customer_list: list[CustomerInfo] = Field(default_factory=list)
    invalid_external_userid: list[str] = Field(default_factory=list)


class Kf(Family):
    """Customer-service accounts, their messages and conversations."""

    title = "企业微信：微信客服"
    kinds = ("wecom",)

    @post("/cgi-bin/kf/sync_msg", title="读取消息", repeat=Repeat.READ, errcodes=(95007,))
    async def sync(
        self,
        open_kfid: Account,
        *,
        cursor: Annotated[str, MaxBytes(64)] | None = None,
        token: Annotated[str, MaxBytes(128)] | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] = 1000,
        voice_format: Literal[0, 1] = 0,
    ) -> Page:
        """Return messages and events after a cursor; the worker calls it, and passes them to the handlers.

        Without a cursor the answer begins three days ago. `token` is that of the push; without it WeCom limits the
        calls strictly.
        """

    @post("/cgi-bin/kf/send_msg", title="发送消息", repeat=Repeat.SEND, errcodes=(40007, 95001, 95011, 95013, 95018))
    async def send(
        self,
        open_kfid: Account,
        external_userid: Annotated[Id, Key("touser")],
        message: Annotated[Mapping[str, Any], Merged()],
        *,
        msgid: MessageId | None = None,
    ) -> Annotated[str, Key("msgid")]:
        """Send a message with WeCom's fields and return its id; `WeComClient.send` takes a reply.

        A message with the `msgid` of another one is refused.
        """

    @post(
        "/cgi-bin/kf/send_msg_on_event", title="发送欢迎语等事件响应消息", repeat=Repeat.SEND, errcodes=(95007, 95013)
    )
    async def send_on_event(
        self,
        code: Annotated[str, Field(min_length=1), MaxBytes(32)],
        message: Annotated[Mapping[str, Any], Merged()],
        *,
        msgid: MessageId | None = None,
    ) -> Annotated[str, Key("msgid")]:
        """Send the one message that the code of an event allows, such as a welcome, and return its id."""

    @post("/cgi-bin/kf/service_state/get", title="获取会话状态", repeat=Repeat.READ)
    async def state(self, open_kfid: Account, external_userid: Customer) -> SessionState:
        """Return the state of a conversation, and its servicer."""

    @post("/cgi-bin/kf/service_state/trans", title="变更会话状态", repeat=Repeat.SEND, errcodes=(95014, 95018))
    async def change_state(
        self,
        open_kfid: Account,
        external_userid: Customer,
        service_state: State,
        *,
        servicer_userid: Id | None = None,
    ) -> Annotated[str, Key("msg_code"), Field(default="")]:
        """Assign a customer to a servicer (3), or to the waiting pool (2), or end the conversation (4).

        The code that is returned allows one message with `send_on_event`; it may be "".
        """

    @post("/cgi-bin/kf/account/add", title="添加客服账号", repeat=Repeat.SEND, errcodes=(40007,))
    async def add_account(
        self, name: Annotated[str, Field(min_length=1, max_length=16)], media_id: Id
    ) -> Annotated[str, Key("open_kfid")]:
        """Add a customer-service account with a picture, and return its id."""

    @post("/cgi-bin/kf/account/update", title="修改客服账号", repeat=Repeat.READ, errcodes=(40007,))
    async def update_account(
        self,
        open_kfid: Account,
        *,
        name: Annotated[str, Field(min_length=1, max_length=16)] | None = None,
        media_id: Id | None = None,
    ) -> None:
        """Change the name or the picture of an account."""

    @post("/cgi-bin/kf/account/del", title="删除客服账号", repeat=Repeat.SEND)
    async def remove_account(self, open_kfid: Account) -> None:
        """Remove an account."""

    @post("/cgi-bin/kf/account/list", title="获取客服账号列表", repeat=Repeat.READ)
    async def accounts(
        self,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=100)] = 100,
    ) -> Annotated[list[KfAccount], Key("account_list")]:
        """Return the accounts that the application may see."""

    @post("/cgi-bin/kf/add_contact_way", title="获取客服账号链接", repeat=Repeat.READ)
    async def link(
        self,
        open_kfid: Account,
        *,
        scene: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$", examples=["website"])] | None = None,
    ) -> Annotated[str, Key("url")]:
        """Return a link that opens the conversation; `scene` is in the event `KfEnterSessionEvent`."""

    @post("/cgi-bin/kf/servicer/add", title="添加接待人员", repeat=Repeat.READ)
    async def add_servicers(
        self, open_kfid: Account, userids: Annotated[list[Id], Field(min_length=1, max_length=100), Key("userid_list")]
    ) -> Annotated[list[ServicerResult], Key("result_list")]:
        """Add members to the servicers of an account."""

    @post("/cgi-bin/kf/servicer/del", title="删除接待人员", repeat=Repeat.READ)
    async def remove_servicers(
        self, open_kfid: Account, userids: Annotated[list[Id], Field(min_length=1, max_length=100), Key("userid_list")]
    ) -> Annotated[list[ServicerResult], Key("result_list")]:
        """Stop members from serving the customers of an account."""

    @get("/cgi-bin/kf/servicer/list", title="获取接待人员列表", repeat=Repeat.READ)
    async def servicers(self, open_kfid: Account) -> Annotated[list[Servicer], Key("servicer_list")]:
        """Return the servicers of an account."""

    @post("/cgi-bin/kf/customer/batchget", title="获取客户基础信息", repeat=Repeat.READ)
    async def customers(
        self,
        external_userids: Annotated[list[Id], Field(min_length=1, max_length=100), Key("external_userid_list")],
        *,
        need_enter_session_context: Literal[0, 1] | None = None,
    ) -> Customers:
        """Return the profiles of customers: nickname, picture, unionid."""
