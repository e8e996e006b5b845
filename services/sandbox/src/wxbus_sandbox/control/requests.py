"""Requests and answers of the control API that only it uses; see `wxbus_sandbox.models` for the others."""

from typing import Any, Literal

from pydantic import Field

from wxbus.conversations import USER
from wxbus.wechat.callbacks.keys import Mode
from wxbus_sandbox.models import Model, Outcome, SendResult


class CustomerRequest(Model):
    """A customer's message to a customer-service account, or an event, which the application pulls."""

    account: str
    """The name of the application's account in the accounts file."""
    open_kfid: str = "wkSandboxAccount000000000001"
    external_userid: str = "wmSandboxCustomer00000000001"
    type: str = "text"
    """`msgtype`."""
    content: dict[str, Any] = Field(default_factory=dict)
    """The member that `type` names, such as `{"content": "hello"}`."""
    origin: Literal[3, 5] = 3
    """3: the customer writes, 5: a servicer does."""
    count: int = Field(default=1, ge=1, le=10_000)
    """The number of messages; the text of the second ends with ` 2`."""
    push: bool = True
    """Whether to push `kf_msg_or_event` to the application."""


class CommentRequest(Model):
    """A user's comment on an article."""

    account: str
    msg_data_id: str
    index: int = 0
    """Of the article, from 0."""
    openid: str = USER
    content: str


class AgentRequest(Model):
    """A human in WeChat's customer-service tool accepts or ends the conversation of a user."""

    account: str
    openid: str
    agent: str = ""
    """The customer-service account; "": the first one of the account, created if there is none."""


class AgentAnswerRequest(Model):
    """A human writes to a user."""

    account: str
    openid: str
    type: Literal["text", "image"] = "text"
    content: dict[str, str]
    """`{"content": "hello"}`, or `{"media_id": "..."}`."""


class Invalidation(Model):
    """Tokens to invalidate early."""

    appid: str
    """The account's appid or name."""
    family: Literal["classic", "stable", "wecom", "component", "authorizer"] | None = None
    """By default all."""
    stuck: bool = False
    """The stable call returns the invalid token until a refresh is forced."""


class TokenCounts(Model):
    """The number of token fetches of an account."""

    classic: int
    stable: int
    """Includes forced ones."""
    forced: int
    """Fetches that invalidated the previous token at once."""
    wecom: int
    component: int
    """Of third-party platforms themselves."""
    authorizer: int
    """Of accounts, for the platform that they have authorised."""
    issued: int
    """New tokens of all families."""


class PlatformRequest(Model):
    """A change of a third-party platform, which WeChat pushes."""

    account: str
    """The platform's name in the accounts file."""
    push: bool = True
    """Whether to push the change."""


class AuthorizerRequest(PlatformRequest):
    """A change of an account's authorisation of the platform."""

    authorizer_appid: str


class PlatformResult(Model):
    """The created value and the result of the push."""

    value: str = ""
    """The ticket, or the authorisation code."""
    push: SendResult | None = None
    """None without a push."""


class LoginRequest(Model):
    """A user opens the Mini Program, which gets a login code."""

    account: str
    openid: str = USER
    appid: str | None = None
    """Mini Program that has authorised the platform `account`; None for the account itself."""


class UserDataRequest(LoginRequest):
    """A user shares the profile and the phone number with the page."""

    nickname: str = "小明"
    phone: str = "13800138000"


class UserDataResult(Model):
    """The data that the page sends to its server."""

    user_info: dict[str, str]
    """encryptedData, iv, rawData and signature."""
    phone: dict[str, str]
    """code; encryptedData and iv in the older form."""


class ReplayRequest(Model):
    """One of the pushes is pushed again."""

    id: str = Field(min_length=1, max_length=64)
    """Its number in the stream of events, or its MsgId."""
    anew: bool = False
    """As a new message with the same content; otherwise it is a duplicate."""
    mode: Mode | None = None
    format: Literal["xml", "json"] | None = None


class VerifyRequest(Model):
    """The account's address is saved in WeChat's console."""

    account: str


class AdvanceRequest(Model):
    """Advances the sandbox's clock."""

    advance: float = Field(gt=0, le=366 * 86400)


class PlayedTurn(Model):
    """The result of one turn of a conversation."""

    number: int
    """From 1."""
    user: str
    title: str
    """The message in a few words."""
    outcome: Outcome
    replies: tuple[str, ...]
    """The replies that the user received, one line each."""
    differences: tuple[str, ...]
    """A line for each reply that is not as expected."""


class PlayResult(Model):
    """The result of a conversation."""

    turns: tuple[PlayedTurn, ...]

    @property
    def differs(self) -> bool:
        """Return whether a reply is not as expected."""
        return any(turn.differences for turn in self.turns)
