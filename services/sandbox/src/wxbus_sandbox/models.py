"""Requests and responses of the control API."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wxbus.conversations import USER
from wxbus.wechat.callbacks.keys import Mode


class Model(BaseModel):
    """The base of all models: frozen; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SendRequest(Model):
    """A user's message or event, which WeChat pushes to the account."""

    account: str
    """The account's name in the accounts file."""
    authorizer_appid: str | None = None
    """If `account` is a third-party platform: the account that has authorised it, whose user acts."""
    openid: str = USER
    type: str = "text"
    """`MsgType`; `InfoType` for third-party platforms."""
    event: str | None = None
    """`Event`; requires `type` `event`."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the push by WeChat's names; missing ones get made-up values."""
    message: dict[str, Any] | None = None
    """The complete push; replaces `openid`, `type`, `event` and `fields`."""
    mode: Mode | None = None
    """By default the account's first mode."""
    format: Literal["xml", "json"] | None = None
    """By default the account's first format."""
    copies: int = Field(default=1, ge=1, le=100)
    """The number of pushes of the same message, one after the other, whatever the responses are."""


class RobotRequest(Model):
    """A member's message to a smart robot of WeCom, or an event."""

    account: str
    """The robot's name in the accounts file."""
    userid: str = "zhangsan"
    chatid: str = ""
    """Of a group; "": the chat with the robot alone."""
    type: str = "text"
    """`msgtype`, or `event`."""
    content: dict[str, Any] = Field(default_factory=dict)
    """The member that `type` names."""
    wait: float = Field(default=60, gt=0, le=360)
    """Seconds for which WeCom polls a streamed answer."""


class RobotResult(Model):
    """The answers that the member saw."""

    msgid: str
    response_code: str
    """Of the `response_url`, which takes one answer."""
    shown: tuple[dict[str, Any], ...] = ()
    """The answers, decrypted; unchanged answers are left out."""
    finished: bool = False
    """Whether the text is complete; also true for an answer without a stream."""
    reason: str = ""
    """Why an answer was not accepted."""

    @property
    def text(self) -> str:
        """Return the text at the end, "" without one."""
        last = self.shown[-1] if self.shown else {}
        return str(last.get("stream", last.get("text", {})).get("content", ""))


class Outcome(StrEnum):
    """How WeChat treats a response (protocol reference 4.3)."""

    ACKNOWLEDGED = "acknowledged"
    """The user sees nothing."""
    REPLIED = "replied"
    """The user sees the passive reply."""
    TRANSFERRED = "transferred"
    """The message goes to human customer service."""
    IGNORED = "ignored"
    """WeChat drops the passive reply without an error."""
    INVALID = "invalid"
    """The response is not allowed: WeChat pushes again, and finally shows an outage notice to the user."""
    FAILED = "failed"
    """No complete response with status 200 in time: WeChat pushes again, as above."""

    @property
    def settled(self) -> bool:
        """Return whether WeChat does not push again."""
        return self not in {Outcome.INVALID, Outcome.FAILED}


BAD_DAY: Final = " (bad day)"
"""The suffix of `Attempt.reason` if a bad day disturbed the attempt."""


class Attempt(Model):
    """One attempt to push."""

    status: int | None
    """None without a complete response."""
    body: str
    """The response's body."""
    ms: float
    outcome: Outcome
    reason: str = ""
    """Why the response was not accepted, or not shown."""
    copy_number: int = 1
    """The copy to which the attempt belongs."""


class SendResult(Model):
    """The result of a push."""

    account: str
    openid: str | None
    msg_id: str | None
    """None for events."""
    time: float
    """When the push began, on the sandbox's clock."""
    message: dict[str, Any]
    """The complete push; a request with it as `message` pushes a duplicate."""
    attempts: tuple[Attempt, ...]
    """Empty if the message went to a human instead."""
    outcome: Outcome
    """Of the last attempt."""
    reply: dict[str, Any] | None = None
    """The passive reply, decrypted."""
    shown: str | None = None
    """The text that the user sees: the reply's, or WeChat's outage notice."""
    trace_id: str = ""
    """Of the trace that the push began (`GET /sandbox/traces/{trace_id}`)."""


class Sent(Model):
    """A customer-service message that a user received."""

    time: float
    account: str
    appid: str
    openid: str
    msgtype: str
    payload: dict[str, Any]
    """The body of the API call."""
    agent: str = ""
    """The customer-service account of the human who wrote it; "" if the account sent it by API."""

    @property
    def content(self) -> str:
        """Return the content of a text message, "" for other types."""
        return str(self.payload.get("text", {}).get("content", "")) if self.msgtype == "text" else ""


class Fault(Model):
    """A fault for the next calls of a path: a delay, then one of the others."""

    path: str = Field(pattern=r"^/[a-z-]+/.")
    errcode: int | None = None
    errmsg: str | None = None
    """By default WeChat's text for the errcode."""
    content_type: str = "application/json"
    """Of the response with the errcode: WeChat may send media errors as pictures."""
    status: int | None = Field(default=None, ge=400, le=599)
    delay: float = Field(default=0, ge=0)
    """Seconds."""
    disconnect: bool = False
    """Cut the connection without a response."""
    effect: bool = False
    """Run the call first; only its response is lost."""
    times: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        if self.path.startswith("/sandbox/"):
            raise ValueError("path must be one of WeChat's calls")
        if self.errcode is None and self.status is None and not self.delay and not self.disconnect:
            raise ValueError("give errcode, status, delay or disconnect")
        return self


class Trouble(StrEnum):
    """A kind of failure of WeChat."""

    SLOW = "slow"
    """Calls are answered late, by up to `seconds`."""
    LOST = "lost"
    """Calls are done and pushes are answered, but the answer is lost; a push is repeated."""
    BUSY = "busy"
    """Calls fail with -1."""
    TOKENS = "tokens"
    """The access token of a call is invalid from now on (40001)."""
    QUOTA = "quota"
    """The day's quota is used up (45009)."""
    WINDOW = "window"
    """The window of customer-service messages is closed (45015)."""
    ALLOWANCE = "allowance"
    """No customer-service messages are left (45047)."""
    REPEATS = "repeats"
    """Pushes come three times."""
    DISORDER = "disorder"
    """Pushes are late by up to `seconds`, so that later ones overtake them."""
    CLOSED = "closed"
    """Connections are closed before an answer."""
    CLOCK = "clock"
    """The clock of pushes is wrong by up to four minutes."""
    KEY = "key"
    """Pushes are encrypted with another AES key: the previous one of the account, or an unknown one."""


class BadDay(Model):
    """Which troubles come, and how often."""

    seed: int = 1
    """The same seed: the same troubles."""
    troubles: dict[Trouble, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """The share of calls or pushes that each trouble hits."""
    seconds: float = Field(default=3, gt=0, le=600)
    """The longest delay."""


class BadDayState(BadDay):
    """A bad day and what happened on it."""

    happened: dict[Trouble, int] = Field(default_factory=dict)
    """How often each trouble has happened."""


class VerifyResult(Model):
    """Whether the console accepts the address (protocol reference 1.2)."""

    accepted: bool
    status: int | None
    body: str
    reason: str = ""
    """Why there is no complete response."""
