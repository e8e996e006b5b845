"""The unit of the bus: a callback, or a note about a user, with its lane, ids and trace."""

import os
import time
from dataclasses import dataclass, replace
from enum import StrEnum


class EnvelopeKind(StrEnum):
    """Kind of content. Everything about a user goes through that user's lane."""

    CALLBACK = "callback"
    """A callback; the body is its document."""
    DELIVERED_PASSIVELY = "delivered_passively"
    """Ingress answered WeChat with this message's passive reply."""
    REPLY_DEADLINE_PASSED = "reply_deadline_passed"
    """The deadline for answering WeChat with this message's passive reply has passed."""
    CONTEXT_EXPIRED = "context_expired"
    """The user's context is due to be removed."""
    REPLY_UNDELIVERED = "reply_undelivered"
    """WeChat did not accept a reply to the user."""
    SEND = "send"
    """A message for the user from another program; the body is the reply."""
    SIGNAL = "signal"
    """An event about the user from another program; the body has its name and data."""
    BROADCAST_SENT = "broadcast_sent"
    """The user has received a message of a broadcast; the body is the message."""
    LANE_OVERFLOWS = "lane_overflows"
    """Messages of the lane wait in Redis: the consumer of its partition goes on with them."""


@dataclass(slots=True, kw_only=True)
class Envelope:
    """One message, never changed. Copies of one request (spool, time-out, retry) have the same `id` and `dedup_id`.

    It is not `frozen`: creating a frozen instance takes five times as long.
    """

    id: str
    """Made once per accepted request by `new_id`."""
    kind: EnvelopeKind
    account: str
    """The account's name in the accounts file."""
    appid: str
    openid: str | None
    """None for system events, whose sender is not a user (protocol reference 4.2; 13, trap 6)."""
    lane: str
    """`appid:openid` or `appid:<business id>`: envelopes of a lane are handled in order, one at a time."""
    dedup_id: str
    """The same for every delivery of the same push (protocol reference 4.2)."""
    body: bytes
    """UTF-8 JSON of the callback's document, with WeChat's field names."""
    received_at: float
    """Seconds since the epoch, on ingress's clock."""
    traceparent: str
    """W3C trace context."""
    attempt: int = 1
    """1 for the first attempt; each scheduled retry adds one."""
    replay: bool = False
    """It was replayed from the dead letters."""
    committed: str | None = None
    """Dedup key of a replay that was committed before it was dead-lettered: only its replies remain."""
    plain_signature: str | None = None
    """Digest of the signature of a plain callback; it does not cover the body, and may be used once."""
    reply_to: str | None = None
    correlation_id: str | None = None
    expiration: float | None = None
    """Seconds for which ingress waits for an answer at `reply_to`, including WeChat's retries."""

    def without_reply_to(self) -> "Envelope":
        """Return a copy that requests no answer."""
        return replace(self, reply_to=None, correlation_id=None, expiration=None)


def new_id() -> str:
    """Return a new envelope id: 32 hexadecimal digits that sort by time."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
