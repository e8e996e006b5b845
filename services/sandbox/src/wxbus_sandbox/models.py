"""What goes over the control API, on both sides of it."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wxbus.wechat.callbacks.keys import Mode


class Model(BaseModel):
    """Frozen; a field that does not exist is an error, so that a slip of the pen is found at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SendRequest(Model):
    """A user does something, and WeChat pushes it to the account."""

    account: str
    """Its name in the accounts file."""
    authorizer_appid: str | None = None
    """Who has authorised `account`, a third-party platform: it is its user who does something."""
    openid: str = "oSandboxUser0000000000000001"
    type: str = "text"
    """`MsgType`; of a third-party platform's push, `InfoType`."""
    event: str | None = None
    """`Event`; `type` is `event` then."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """What the push says besides, WeChat's own names; what is left out is made up."""
    message: dict[str, Any] | None = None
    """The whole push, in place of `openid`, `type`, `event` and `fields`; exactly this is pushed."""
    mode: Mode | None = None
    """None: the first of the account's modes."""
    format: Literal["xml", "json"] | None = None
    """None: the first of the account's formats."""
    copies: int = Field(default=1, ge=1, le=100)
    """Push the same thing so many times, one after another, whatever the answers are."""


class Outcome(StrEnum):
    """What WeChat makes of an answer (protocol reference 4.3)."""

    ACKNOWLEDGED = "acknowledged"
    """Nothing is shown to the user."""
    REPLIED = "replied"
    """A passive reply is shown to the user."""
    TRANSFERRED = "transferred"
    """The message goes to the human customer service."""
    IGNORED = "ignored"
    """A passive reply that WeChat throws away without a word."""
    INVALID = "invalid"
    """No legal answer: pushed again, in the end the user is told that the service is out of order."""
    FAILED = "failed"
    """No complete answer in time, or none with status 200: pushed again, as above."""

    @property
    def settled(self) -> bool:
        """Whether WeChat does not push again."""
        return self not in {Outcome.INVALID, Outcome.FAILED}


class Attempt(Model):
    """One attempt to push."""

    status: int | None
    """None: there was no complete answer."""
    body: str
    """The answer as it came."""
    ms: float
    outcome: Outcome
    reason: str = ""
    """Why it was not accepted, or not shown."""
    copy_number: int = 1
    """Which of the copies it belongs to."""


class SendResult(Model):
    """What became of a push."""

    account: str
    openid: str | None
    msg_id: str | None
    """None: it is an event."""
    time: float
    """When it was begun, on the sandbox's clock."""
    message: dict[str, Any]
    """The whole push; sent again as `message` it is a duplicate."""
    attempts: tuple[Attempt, ...]
    outcome: Outcome
    """Of the last attempt."""
    reply: dict[str, Any] | None = None
    """The passive reply, decrypted."""
    shown: str | None = None
    """The text that the user sees in the chat: of the reply, or WeChat's own about a service out of order."""


class Sent(Model):
    """A customer-service message that was delivered to a user."""

    time: float
    account: str
    appid: str
    openid: str
    msgtype: str
    payload: dict[str, Any]
    """The whole call."""

    @property
    def content(self) -> str:
        """Return the text of a text message, else ""."""
        return str(self.payload.get("text", {}).get("content", "")) if self.msgtype == "text" else ""


class Fault(Model):
    """What the next calls of a path suffer; in the order delay, then one of the others."""

    path: str = Field(pattern=r"^/(cgi-bin|sns|wxa)/")
    errcode: int | None = None
    errmsg: str | None = None
    """None: the usual text."""
    content_type: str = "application/json"
    """Of an errcode's answer: media errors may come as pictures."""
    status: int | None = Field(default=None, ge=400, le=599)
    delay: float = Field(default=0, ge=0)
    """Seconds."""
    disconnect: bool = False
    """No answer at all, the connection is cut."""
    effect: bool = False
    """The call has its effect first; only its answer is lost."""
    times: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        if self.errcode is None and self.status is None and not self.delay and not self.disconnect:
            raise ValueError("give errcode, status, delay or disconnect")
        return self


class Invalidation(Model):
    """Tokens to make invalid before their time."""

    appid: str
    family: Literal["classic", "stable", "wecom", "component", "authorizer"] | None = None
    """None: all."""
    stuck: bool = False
    """The stable call goes on giving the dead token until somebody forces a new one."""


class TokenCounts(Model):
    """How often an account's tokens were fetched."""

    classic: int
    stable: int
    """Forced ones among them."""
    forced: int
    """Those that made the token before invalid at once."""
    wecom: int
    component: int
    """Of a third-party platform itself."""
    authorizer: int
    """Of an account, for the platform that it has authorised."""
    issued: int
    """New tokens, of all families."""


class PlatformRequest(Model):
    """WeChat does something about a third-party platform, and pushes it."""

    account: str
    """The platform's name in the accounts file."""
    push: bool = True
    """False: nothing is pushed, the platform does not hear of it."""


class AuthorizerRequest(PlatformRequest):
    """... about an account and its authorisation of the platform."""

    authorizer_appid: str


class PlatformResult(Model):
    """What WeChat made, and what became of the push."""

    value: str = ""
    """The ticket, or the authorisation code."""
    push: SendResult | None = None
    """None: nothing was pushed."""


class LoginRequest(Model):
    """A user opens the Mini Program, whose page gets a code."""

    account: str
    openid: str = "oSandboxUser0000000000000001"


class VerifyRequest(Model):
    """Somebody saves the account's address in the console."""

    account: str


class VerifyResult(Model):
    """Whether the console accepts it (protocol reference 1.2)."""

    accepted: bool
    status: int | None
    body: str


class AdvanceRequest(Model):
    """Puts the sandbox's clock forward."""

    advance: float = Field(gt=0, le=366 * 86400)
