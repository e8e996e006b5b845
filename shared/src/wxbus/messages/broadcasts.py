"""Broadcasts: one message to many users, at a rate that all workers share."""

from abc import ABC, abstractmethod
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from wxbus.bus.envelope import new_id
from wxbus.messages.requests import AccountName, Openid, Sendable
from wxbus.rpc import method, service
from wxbus.wechat.replies.long_text import split_text
from wxbus.wechat.replies.reply import Text

MAX_RECIPIENTS: Final = 5_000
"""Maximum number of recipients in one request; any number of requests add to a broadcast."""
DEFAULT_RATE: Final = 50.0

BroadcastId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
State: TypeAlias = Literal["collecting", "running", "paused", "done", "cancelled"]


class BroadcastRequest(BaseModel):
    """A request about one broadcast."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    account: AccountName
    """Name or appid of the account."""
    id: BroadcastId
    """Id of the broadcast."""


class NewBroadcast(BroadcastRequest):
    """A broadcast to create. Without `tag` and `all_followers` its recipients are added by requests."""

    id: BroadcastId = Field(default_factory=new_id)
    """The caller's id; created again with the same id and fields, it is the same broadcast."""
    message: Sendable
    """The message; its `kind` selects its type."""
    rate: float = Field(default=DEFAULT_RATE, gt=0, le=1000)
    """Messages per second, of all workers together."""
    tag: int | None = Field(default=None, ge=0)
    """Id of a tag: the users that have it. Official Accounts only."""
    all_followers: bool = False
    """All followers. Official Accounts only."""
    dry_run: bool = False
    """Collect the recipients, and send nothing."""

    @model_validator(mode="after")
    def _has_one_audience(self) -> "NewBroadcast":
        if self.all_followers and self.tag is not None:
            raise ValueError("tag and all_followers exclude each other")
        return self

    @field_validator("message")
    @classmethod
    def _is_one_message(cls, value: Sendable) -> Sendable:
        if isinstance(value, Text) and len(split_text(value.content)) > 1:
            raise ValueError("the text is too long for one message")
        return value

    @property
    def collected_by_worker(self) -> bool:
        """Whether workers ask WeChat for the recipients."""
        return self.all_followers or self.tag is not None


class MoreRecipients(BroadcastRequest):
    """Recipients to add to a broadcast; each user gets the message once, even if added several times."""

    openids: list[Openid] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    complete: bool = False
    """These are the last ones: the broadcast starts."""


class PauseBroadcast(BroadcastRequest):
    """A broadcast to pause."""

    reason: str = Field(default="paused by an operator", max_length=200)
    """Shown in its status."""

    @field_validator("reason")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split())


class BroadcastStatus(BaseModel):
    """The progress of a broadcast."""

    id: str
    account: str
    state: State
    reason: str = ""
    """Why it is paused."""
    rate: float
    dry_run: bool = False
    created_at: AwareDatetime
    total: int
    """Recipients so far."""
    sent: int
    """Messages that WeChat accepted."""
    refused: dict[str, int] = Field(default_factory=dict)
    """Numbers of refused messages by reason."""
    waiting: int
    """Recipients to whom the message is not sent yet."""
    in_flight: int
    """Recipients to whom workers are sending."""


class BroadcastList(BaseModel):
    """Broadcasts, the newest first."""

    broadcasts: list[BroadcastStatus]


class RefusedRequest(BroadcastRequest):
    """A part of the refused recipients."""

    start: int = Field(default=0, ge=0)
    """Number of the first recipient, from 0."""
    count: int = Field(default=1000, ge=1, le=10_000)


class Refused(BaseModel):
    """One refused recipient."""

    openid: str
    reason: str


class RefusedList(BaseModel):
    """Refused recipients in the order of refusal; empty after the last one."""

    refused: list[Refused]


class AccountBroadcasts(BaseModel):
    """The broadcasts of one account."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    account: AccountName


@service("broadcast")
class BroadcastService(ABC):
    """One message to many users."""

    @method(NewBroadcast, scopes=["broadcast:send:{account}"])
    @abstractmethod
    async def create(self, request: NewBroadcast) -> BroadcastStatus:
        """Create a broadcast; it starts when its recipients are complete."""

    @method(MoreRecipients, scopes=["broadcast:send:{account}"])
    @abstractmethod
    async def add(self, request: MoreRecipients) -> BroadcastStatus:
        """Add recipients to a broadcast that has not started."""

    @method(PauseBroadcast, scopes=["broadcast:send:{account}"])
    @abstractmethod
    async def pause(self, request: PauseBroadcast) -> BroadcastStatus:
        """Pause a broadcast."""

    @method(BroadcastRequest, scopes=["broadcast:send:{account}"])
    @abstractmethod
    async def resume(self, request: BroadcastRequest) -> BroadcastStatus:
        """Resume a paused broadcast."""

    @method(BroadcastRequest, scopes=["broadcast:send:{account}"])
    @abstractmethod
    async def cancel(self, request: BroadcastRequest) -> BroadcastStatus:
        """End a broadcast; no further user gets the message."""

    @method(BroadcastRequest, scopes=["broadcast:status:{account}"])
    @abstractmethod
    async def status(self, request: BroadcastRequest) -> BroadcastStatus:
        """Return the progress of a broadcast."""

    @method(AccountBroadcasts, scopes=["broadcast:status:{account}"])
    @abstractmethod
    async def list(self, request: AccountBroadcasts) -> BroadcastList:
        """Return the broadcasts of an account of the last 30 days."""

    @method(RefusedRequest, scopes=["broadcast:status:{account}"])
    @abstractmethod
    async def refused(self, request: RefusedRequest) -> RefusedList:
        """Return refused recipients with the reasons."""
