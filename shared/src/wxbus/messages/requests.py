"""Requests of other programs: the same from Python, over AMQP and by RPC."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.config.validation import validation_messages
from wxbus.errors import UnreadableEnvelope
from wxbus.telemetry import current_traceparent, new_traceparent
from wxbus.wechat.replies.reply import CustomerServiceReply, reply_to_json
from wxbus.wechat.replies.sockets import SocketReply
from wxbus.wechat.replies.templates import TemplateReply
from wxbus.wechat.replies.wecom import WeComReply

DATA_LIMIT: Final = 64 * 1024
"""Bytes of an event's data as JSON."""
LONGEST_DELAY: Final = timedelta(days=366)
"""Longest delay of `send_at`."""

AccountName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
"""Name of an account in the accounts file, or its appid."""
Openid: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@:-]{1,128}$")]
"""Openid of a user; ids of WeChat Customer Service contain a colon."""
MessageId: TypeAlias = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
"""The caller's id: of several messages to a user with the same id, the first is handled (within 7 days)."""
EventName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Sendable: TypeAlias = Annotated[
    CustomerServiceReply | TemplateReply | WeComReply | SocketReply, Field(discriminator="kind")
]
"""A reply that an API call can send; `kind` selects its type."""


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    account: AccountName
    """Name or appid of the account."""
    openid: Openid
    """The user."""


class _Message(_Request):
    kind: ClassVar[EnvelopeKind]

    id: MessageId = Field(default_factory=new_id)
    """The caller's id of the message; a new one by default."""
    send_at: AwareDatetime | None = None
    """When it enters the user's lane, with an offset; null or a past time: now."""

    @field_validator("send_at")
    @classmethod
    def _not_too_late(cls, value: datetime | None) -> datetime | None:
        if value is not None and value > datetime.now(UTC) + LONGEST_DELAY:
            raise ValueError(f"must be at most {LONGEST_DELAY.days} days from now")
        return value

    def envelope(self, *, account: str, appid: str) -> Envelope:
        """Return the envelope for the user's lane."""
        lane = f"{appid}:{self.openid}"
        return Envelope(
            id=new_id(),
            kind=self.kind,
            account=account,
            appid=appid,
            openid=self.openid,
            lane=lane,
            dedup_id=f"{lane}:message:{self.id}",
            body=self.body(),
            received_at=time.time(),
            traceparent=current_traceparent() or new_traceparent(),
        )

    def body(self) -> bytes:
        """Return the body of the envelope."""
        raise NotImplementedError


class SendRequest(_Message):
    """A message to a user."""

    kind = EnvelopeKind.SEND

    type: Literal["send"] = "send"
    reply: Sendable
    """The message; its `kind` selects its type."""

    def body(self) -> bytes:
        """Return the reply as JSON."""
        return reply_to_json(self.reply)


class EventRequest(_Message):
    """An event about a user; the handler of the signal `name` gets it."""

    kind = EnvelopeKind.SIGNAL

    type: Literal["event"] = "event"
    name: EventName
    """Name of the signal."""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    """For the handler; at most 64 KiB of JSON."""

    @field_validator("data")
    @classmethod
    def _not_too_large(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        # As UTF-8 and compact, so that the data of any WebSocket frame fit. Raises ValueError for infinite
        # numbers and lone surrogates, which are not JSON.
        content = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if (size := len(content.encode())) > DATA_LIMIT:
            raise ValueError(f"is {size} bytes of JSON; the limit is {DATA_LIMIT}")
        return value

    def body(self) -> bytes:
        """Return name and data as JSON."""
        return json.dumps({"name": self.name, "data": self.data}, ensure_ascii=False).encode()


class CancelRequest(_Request):
    """A scheduled message that must not enter the lane."""

    type: Literal["cancel"] = "cancel"
    id: MessageId
    """The caller's id of the message."""


class Accepted(BaseModel):
    """A message that is on disk and will be handled."""

    id: str
    """The caller's id, or a new one."""
    scheduled: bool = False
    """It waits for its `send_at`."""


class Cancelled(BaseModel):
    """The result of a cancellation."""

    cancelled: bool
    """False: no message with this id is scheduled; it may have entered the lane."""


Message: TypeAlias = SendRequest | EventRequest
Submission: TypeAlias = Annotated[SendRequest | EventRequest | CancelRequest, Field(discriminator="type")]
"""A message of the queue in which other programs put their requests; `type` selects its form."""

SUBMISSION: Final[TypeAdapter[SendRequest | EventRequest | CancelRequest]] = TypeAdapter(
    Submission, config=ConfigDict(defer_build=True)
)


def parse_submission(body: bytes) -> SendRequest | EventRequest | CancelRequest:
    """Return the request in a message of the queue.

    Raises:
        UnreadableEnvelope: It is not a request; the text names the fields without their values.
    """
    try:
        return SUBMISSION.validate_json(body)
    except ValidationError as exc:
        raise UnreadableEnvelope(f"not a request: {validation_messages(exc)}") from None
