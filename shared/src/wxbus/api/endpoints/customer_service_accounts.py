"""The accounts of customer-service agents."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, FileLimits, Id, Key, OpenId, Query, Refused, Timestamp, get, post
from wxbus.api.uploads import UploadFile

DISABLED: Final = 65400
NO_ACCOUNT: Final = 65401
WRONG_NICKNAME: Final = 65403
MEGABYTE: Final = 1024 * 1024

KfAccount: TypeAlias = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_]{1,10}@[^@\s]{1,30}$", examples=["alice@gh_1"]), Refused(65404)
]
"""`prefix@id of the Official Account`; the prefix has up to 10 letters, digits and underscores."""
Nickname: TypeAlias = Annotated[str, Field(min_length=1, max_length=16), Refused(WRONG_NICKNAME)]


class KfPerson(Answer):
    """The account of an agent."""

    kf_id: str = ""
    kf_account: str = ""
    kf_nick: str = ""
    kf_headimgurl: str = ""
    kf_wx: str = ""
    """The WeChat id of the agent; empty until one is bound."""
    kf_openid: str = ""
    """In a Mini Program."""
    invite_wx: str = ""
    """The WeChat id of an open invitation."""
    invite_expire_time: Timestamp | None = None
    invite_status: str = ""
    """waiting, rejected or expired."""


class OnlineKf(Answer):
    """An agent who is online."""

    kf_id: str = ""
    kf_account: str = ""
    kf_openid: str = ""
    status: int = 1
    """1: in the web client."""
    accepted_case: int = 0
    """The number of its conversations."""


class CustomerServiceAccounts(Family):
    """Customer-service accounts: up to 100."""

    title = "客服账号"

    @get(
        "/cgi-bin/customservice/getkflist",
        name="getkflist",
        title="获取所有客服账号",
        repeat=Repeat.READ,
        kinds=("official_account", "mini_program"),
    )
    async def all(self, *, business_id: Id | None = None) -> Annotated[list[KfPerson], Key("kf_list")]:
        """Return all accounts; `business_id` names a merchant of a Mini Program."""

    @get(
        "/cgi-bin/customservice/getonlinekflist",
        name="getonlinekflist",
        title="获取在线客服列表",
        repeat=Repeat.READ,
        errcodes=(DISABLED,),
        kinds=("official_account", "mini_program"),
    )
    async def online(self, *, business_id: Id | None = None) -> Annotated[list[OnlineKf], Key("kf_online_list")]:
        """Return the agents who are online, each with the number of conversations."""

    @post(
        "/customservice/kfaccount/add",
        name="addkfaccount",
        title="添加客服账号",
        repeat=Repeat.SEND,
        errcodes=(DISABLED, NO_ACCOUNT, WRONG_NICKNAME, 65404, 65405, 65406),
    )
    async def add(self, kf_account: KfAccount, nickname: Nickname, *, business_id: Id | None = None) -> None:
        """Add an account; then invite an agent. `business_id` names a merchant of a Mini Program."""

    @post(
        "/customservice/kfaccount/update",
        name="updatekfaccount",
        title="修改客服账号",
        repeat=Repeat.READ,
        errcodes=(DISABLED, NO_ACCOUNT, WRONG_NICKNAME),
    )
    async def rename(self, kf_account: KfAccount, nickname: Nickname) -> None:
        """Change the nickname of an account."""

    @post(
        "/customservice/kfaccount/del",
        name="delkfaccount",
        title="删除客服账号",
        repeat=Repeat.READ,
        errcodes=(DISABLED, NO_ACCOUNT),
        older="GET",
    )
    async def delete(self, kf_account: KfAccount, *, business_id: Id | None = None) -> None:
        """Delete an account, or that of a merchant."""

    @post(
        "/customservice/kfaccount/inviteworker",
        name="invitekfworker",
        title="邀请绑定客服账号",
        repeat=Repeat.SEND,
        errcodes=(DISABLED, NO_ACCOUNT, 65407, 65408, 65409, 65410, 65411, 65412),
    )
    async def invite(
        self,
        kf_account: KfAccount,
        wechat_id: Annotated[str, Field(min_length=1, max_length=64), Key("invite_wx"), Refused(65409)],
    ) -> None:
        """Invite the owner of a WeChat id to be the agent of an account."""

    @post(
        "/customservice/kfaccount/uploadheadimg",
        name="uploadkfheadimg",
        title="设置客服头像",
        repeat=Repeat.READ,
        errcodes=(40005, 40009, DISABLED, NO_ACCOUNT),
    )
    async def set_picture(
        self,
        kf_account: Annotated[KfAccount, Query()],
        picture: Annotated[UploadFile, FileLimits(5 * MEGABYTE, (".jpg", ".jpeg")), Key("media"), Refused(40009)],
    ) -> None:
        """Set the picture of an account: a JPEG of 640 x 640 pixels and up to 5 MB."""

    @get(
        "/customservice/kfaccount/setadmin",
        name="setkfadmin",
        title="设置客服管理员",
        repeat=Repeat.READ,
        errcodes=(DISABLED, NO_ACCOUNT),
        kinds=("mini_program",),
    )
    async def set_admin(
        self, openid: Annotated[OpenId, Key("kf_openid"), Refused(NO_ACCOUNT)], *, business_id: Id | None = None
    ) -> None:
        """Make an agent of a Mini Program an administrator."""

    @get(
        "/customservice/kfaccount/canceladmin",
        name="cancelkfadmin",
        title="取消客服管理员",
        repeat=Repeat.READ,
        errcodes=(DISABLED, NO_ACCOUNT),
        kinds=("mini_program",),
    )
    async def unset_admin(
        self, openid: Annotated[OpenId, Key("kf_openid"), Refused(NO_ACCOUNT)], *, business_id: Id | None = None
    ) -> None:
        """Make an administrator an ordinary agent again."""
