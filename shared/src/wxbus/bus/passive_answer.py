"""The worker's answer to a callback for which ingress waits, and the notes about its delivery.

The answer is delivered at most once. So the store keeps the reply as pending until a note arrives in the user's lane:
`delivered_passively` from ingress, or `reply_deadline_passed` when ingress can no longer deliver it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.errors import UnreadableEnvelope
from wxbus.telemetry import new_traceparent
from wxbus.wechat.documents.codec import Renderable

REPLY_TO: Final = "amq.rabbitmq.reply-to"
"""RabbitMQ's direct reply-to; RabbitMQ replaces it with a name for the publishing channel."""


@dataclass(frozen=True, slots=True)
class PassiveAnswer:
    """The body with which ingress answers WeChat."""

    document: Mapping[str, Renderable] | None = None
    """Rendered in the format of the callback; None: the plain `success`."""
    reply_id: str = ""
    """Identifies the pending reply in the note about its delivery; "": no note is needed."""

    def to_bytes(self) -> bytes:
        """Return it as UTF-8 JSON."""
        return json.dumps({"document": self.document, "reply_id": self.reply_id}, ensure_ascii=False).encode()

    @classmethod
    def parse(cls, body: bytes) -> "PassiveAnswer":
        """Return the answer that `to_bytes` encoded, or raise UnreadableEnvelope."""
        try:
            found = json.loads(body)
            document, reply_id = found["document"], found["reply_id"]
        except (ValueError, KeyError, TypeError) as exc:
            raise UnreadableEnvelope("not a passive answer of a worker") from exc
        if not isinstance(document, dict | None) or not isinstance(reply_id, str):
            raise UnreadableEnvelope("not a passive answer of a worker")
        return cls(document, reply_id)


def delivered_passively(envelope: Envelope, reply_id: str) -> Envelope:
    """Return the note that WeChat got the reply to the callback in `envelope`."""
    return replace(
        envelope.without_reply_to(),
        id=new_id(),
        kind=EnvelopeKind.DELIVERED_PASSIVELY,
        dedup_id=f"{envelope.lane}:delivered_passively:{reply_id}",
        body=_body(reply_id),
        received_at=time.time(),
    )


def reply_deadline_passed(lane: str, reply_id: str, *, account: str) -> Envelope:
    """Return the note for `lane` that the deadline for delivering a reply passively has passed."""
    appid, _, openid = lane.partition(":")
    return Envelope(
        id=new_id(),
        kind=EnvelopeKind.REPLY_DEADLINE_PASSED,
        account=account,
        appid=appid,
        openid=openid,
        lane=lane,
        dedup_id=f"{lane}:reply_deadline_passed:{reply_id}",
        body=_body(reply_id),
        received_at=time.time(),
        traceparent=new_traceparent(),
    )


def reply_id_of(note: Envelope) -> str:
    """Return the id of the reply that a note is about, or raise UnreadableEnvelope."""
    try:
        return str(json.loads(note.body)["reply_id"])
    except (ValueError, KeyError, TypeError) as exc:
        raise UnreadableEnvelope(f"{note.kind} without a reply_id") from exc


def _body(reply_id: str) -> bytes:
    return json.dumps({"reply_id": reply_id}).encode()
