"""The internal message that a context is due to be removed."""

import json

from wxbus.bus.envelope import Envelope
from wxbus.errors import UnreadableEnvelope
from wxbus.wechat import Message


class ContextExpired(Message):
    """A user's context is due to be removed: what the lane of `from_user` is told."""

    msg_type: str = "context_expired"
    version: int
    """Of the context; another one means that a message was faster."""

    @classmethod
    def of(cls, envelope: Envelope) -> "ContextExpired":
        """Return what an envelope of its kind says, or raise UnreadableEnvelope."""
        try:
            version = int(json.loads(envelope.body)["version"])
        except (ValueError, KeyError, TypeError) as exc:
            raise UnreadableEnvelope(f"{envelope.kind} without a version") from exc
        created_at = int(envelope.received_at)
        return cls(to_user="", from_user=envelope.openid or "", created_at=created_at, version=version)
