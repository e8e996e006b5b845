"""Messages of other programs for a user's lane: signals, which handlers get, and sends, which need no handler."""

import json
from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError

from wxbus.bus.envelope import Envelope
from wxbus.config.validation import validation_messages
from wxbus.errors import Reject, UnreadableEnvelope
from wxbus.wechat import Message
from wxbus.wechat.replies.reply import AnyReply, reply_from_json

M = TypeVar("M", bound=BaseModel)


class Signal(Message):
    """An event about a user that another program posted with `Bus.event`."""

    msg_type: str = "signal"
    name: str
    data: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, envelope: Envelope) -> "Signal":
        """Return the signal in an envelope of its kind, or raise UnreadableEnvelope."""
        try:
            body = json.loads(envelope.body)
            return cls(
                from_user=envelope.openid or "",
                created_at=int(envelope.received_at),
                name=body["name"],
                data=body["data"],
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise UnreadableEnvelope(f"{envelope.kind} without name and data") from exc

    def data_as(self, model: type[M]) -> M:
        """Return the data as this model.

        Raises:
            Reject: It does not fit; the text names the fields without their values.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as exc:
            raise Reject(f"data of signal {self.name!r}: not a {model.__name__}: {validation_messages(exc)}") from None


class Outgoing(Message):
    """A message to a user that another program posted with `Bus.send`."""

    msg_type: str = "send"
    reply: Any

    @classmethod
    def of(cls, envelope: Envelope) -> Self:
        """Return the message in an envelope of its kind, or raise UnreadableEnvelope."""
        try:
            reply: AnyReply = reply_from_json(envelope.body)
        except ValueError as exc:
            raise UnreadableEnvelope(f"{envelope.kind} without a reply that this release knows") from exc
        return cls(from_user=envelope.openid or "", created_at=int(envelope.received_at), reply=reply)


class BroadcastSent(Outgoing):
    """A message of a broadcast that the user has received: the context records and counts it, and nothing is sent."""

    msg_type: str = "broadcast_sent"
