"""The internal message about an expired context."""

import json

from wxbus.bus.envelope import Envelope
from wxbus.errors import UnreadableEnvelope
from wxbus.wechat import Message


class ContextExpired(Message):
    """The context of `from_user` has expired."""

    msg_type: str = "context_expired"
    version: int
    """Version of the context that expired. If it has changed since, a message came first."""

    @classmethod
    def of(cls, envelope: Envelope) -> "ContextExpired":
        """Return the message in an envelope of its kind, or raise UnreadableEnvelope."""
        try:
            version = int(json.loads(envelope.body)["version"])
        except (ValueError, KeyError, TypeError) as exc:
            raise UnreadableEnvelope(f"{envelope.kind} without a version") from exc
        created_at = int(envelope.received_at)
        return cls(to_user="", from_user=envelope.openid or "", created_at=created_at, version=version)
