"""Models of the guides of an Official Account and their customers."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.declaration import (
    Answer,
    Key,
    Part,
    Timestamp,
)

PageNumber: TypeAlias = Annotated[int, Field(ge=0)]
PageSize: TypeAlias = Annotated[int, Field(ge=1, le=100), Key("num")]


class Guide(Answer):
    """A guide: a person who serves customers of the shop."""

    guide_account: str = ""
    guide_openid: str = ""
    guide_nickname: str = ""
    guide_headimgurl: str = ""
    status: int = 0
    """1 wants to serve, 2 serves, 3 refused, 4 ended."""


class GuidePage(Answer):
    """A page of guides."""

    total_num: int = 0
    items: tuple[Guide, ...] = Field(default=(), alias="list")


class ChatRecord(Answer):
    """A message between guide and customer."""

    guide_account: str = ""
    openid: str = ""
    content: str = ""
    content_type: int = 0
    direction: int = 0
    """1 to the customer, 2 to the guide."""
    create_time: Timestamp | None = None


class ChatPage(Answer):
    """A page of messages."""

    total_num: int = 0
    msg_list: tuple[ChatRecord, ...] = ()


class FastReply(Part):
    """A text for quick replies."""

    content: str


class AutoReply(Part):
    """The automatic reply to a new customer: a text (1), a picture (2), or a page (3)."""

    content: str
    msgtype: Literal[1, 2, 3] = 1


class OfflineReply(Part):
    """The automatic reply to a customer while no guide is online."""

    content: str


class Keywords(Part):
    """Words that guides must not use."""

    values: list[str]


class StoredReply(Answer):
    """A stored reply."""

    content: str = ""
    msgtype: int = 1
    updatetime: Timestamp | None = None


class GuideConfig(Answer):
    """The replies of a guide."""

    guide_fast_reply_list: tuple[StoredReply, ...] = ()
    guide_auto_reply: StoredReply | None = None
    guide_auto_reply_plus: StoredReply | None = None


class StoredKeywords(Answer):
    """Words that guides must not use."""

    values: tuple[str, ...] = ()
    updatetime: Timestamp | None = None


class AccountConfig(Answer):
    """The rules for all guides."""

    black_keyword: StoredKeywords | None = None
    guide_auto_reply: StoredReply | None = None


class GuideGroup(Answer):
    """A group of guides."""

    id: str
    name: str = ""
    create_time: Timestamp | None = None
    update_time: Timestamp | None = None


class GroupMembers(Answer):
    """The guides of a group."""

    total_num: int = 0
    guide_list: tuple[Guide, ...] = ()


class NewBuyer(Part):
    """A customer to assign."""

    openid: str
    buyer_nickname: str | None = None


class BuyerResult(Answer):
    """The result for one customer."""

    openid: str
    errcode: int = 0
    errmsg: str = ""


class Buyer(Answer):
    """A customer of a guide."""

    openid: str
    buyer_nickname: str = ""
    guide_account: str = ""
    guide_openid: str = ""
    create_time: Timestamp | None = None


class BuyerPage(Answer):
    """A page of customers."""

    total_num: int = 0
    items: tuple[Buyer, ...] = Field(default=(), alias="list")


class JobMaterial(Part):
    """The content of a message: a text (1), a picture (3), or a page of a Mini Program (27)."""

    type: Literal[1, 3, 27]
    word: str | None = None
    media_id: str | None = None
    appid: str | None = None
    title: str | None = None
    path: str | None = None


class NewJob(Answer):
    """A job; there are several if the customers have several guides."""

    task_id: str
    openid: tuple[str, ...] = ()


class Job(Answer):
    """A job in a list."""

    task_id: str
    task_name: str = ""
    task_remark: str = ""
    task_status: int = 0
    """1 waits, 2 running, 3 done, 4 failed, 5 cancelled."""
    push_time: Timestamp | None = None
    finish_time: Timestamp | None = None
    create_time: Timestamp | None = None


class JobPage(Answer):
    """A page of jobs."""

    total_count: int = 0
    items: tuple[Job, ...] = Field(default=(), alias="list")
