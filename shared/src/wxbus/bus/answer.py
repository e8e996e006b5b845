"""What a worker answers to ingress while WeChat waits, and the notes about what became of it.

An answer goes straight to the one who waits, at most once. So the reply in it stays in the store until a note has come
through the user's lane: `taken` by ingress, or `late` once nobody can have taken it any more.
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
"""RabbitMQ's direct reply-to: it puts the name of the publishing channel in its place."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What WeChat is to be answered with."""

    document: Mapping[str, Renderable] | None = None
    """To be rendered in the push's format; None: nothing but the usual."""
    receipt: str = ""
    """Names the reply in it, for the note that it was taken; "": nobody wants a note."""

    def to_bytes(self) -> bytes:
        """Return it as UTF-8 JSON."""
        return json.dumps({"document": self.document, "receipt": self.receipt}, ensure_ascii=False).encode()

    @classmethod
    def parse(cls, body: bytes) -> "Answer":
        """Return what `to_bytes` wrote, or raise UnreadableEnvelope."""
        try:
            found = json.loads(body)
            document, receipt = found["document"], found["receipt"]
        except (ValueError, KeyError, TypeError) as exc:
            raise UnreadableEnvelope("not an answer of a worker") from exc
        if not isinstance(document, dict | None) or not isinstance(receipt, str):
            raise UnreadableEnvelope("not an answer of a worker")
        return cls(document, receipt)


def taken(envelope: Envelope, receipt: str) -> Envelope:
    """Return the note that WeChat was answered with a reply to the callback in `envelope`."""
    return replace(
        envelope.unawaited(),
        id=new_id(),
        kind=EnvelopeKind.TAKEN,
        dedup_id=f"{envelope.lane}:taken:{receipt}",
        body=_body(receipt),
        received_at=time.time(),
    )


def late(lane: str, receipt: str, *, account: str) -> Envelope:
    """Return the note that nobody can take the reply any more, for a user's lane."""
    appid, _, openid = lane.partition(":")
    return Envelope(
        id=new_id(),
        kind=EnvelopeKind.LATE,
        account=account,
        appid=appid,
        openid=openid,
        lane=lane,
        dedup_id=f"{lane}:late:{receipt}",
        body=_body(receipt),
        received_at=time.time(),
        traceparent=new_traceparent(),
    )


def receipt_of(note: Envelope) -> str:
    """Return which reply a note is about, or raise UnreadableEnvelope."""
    try:
        return str(json.loads(note.body)["receipt"])
    except (ValueError, KeyError, TypeError) as exc:
        raise UnreadableEnvelope(f"{note.kind} without a receipt") from exc


def _body(receipt: str) -> bytes:
    return json.dumps({"receipt": receipt}).encode()
