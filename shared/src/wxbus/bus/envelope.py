"""What travels over the bus: one callback (or note about a user) with what is needed to place and follow it."""

import os
import time
from dataclasses import dataclass, replace
from enum import StrEnum


class EnvelopeKind(StrEnum):
    """What an envelope holds. Everything that concerns one user travels through that user's lane."""

    CALLBACK = "callback"
    """A callback of WeChat; the body is its document."""
    DELIVERED_PASSIVELY = "delivered_passively"
    """Ingress answered WeChat with this message's passive reply."""
    REPLY_DEADLINE_PASSED = "reply_deadline_passed"
    """The deadline for answering WeChat with this message's passive reply has passed."""
    CONTEXT_EXPIRED = "context_expired"
    """The user's context is due to be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message on its way. A copy of the same request (spool, time-out, retry) keeps `id` and `dedup_id`."""

    id: str
    """Made once per accepted request, see `new_id`."""
    kind: EnvelopeKind
    account: str
    """The account's name in the accounts file."""
    appid: str
    openid: str | None
    """None for system events, whose sender is no user (protocol reference 4.2; 13, trap 6)."""
    lane: str
    """`appid:openid`, or `appid:<business id>`: what is in one lane is handled in order, one at a time."""
    dedup_id: str
    """The same for every delivery of the same push (protocol reference 4.2)."""
    body: bytes
    """UTF-8 JSON of the callback's document, WeChat's own field names."""
    received_at: float
    """Seconds since the epoch, on ingress's clock."""
    traceparent: str
    """W3C trace context."""
    attempt: int = 1
    """1 for the first; parked for a retry it comes back with one more."""
    replay: bool = False
    """An operator sent it again from the dead letters."""
    committed: str | None = None
    """A replay of what was buried after its commit: what the worker remembers it by. Only its replies are left."""
    plain_signature: str | None = None
    """Of a plain push, a digest of the signature it came with: that does not cover the body, and is good for one."""
    reply_to: str | None = None
    correlation_id: str | None = None
    expiration: float | None = None
    """Seconds for which an answer at `reply_to` is waited for, or will be again at the next push of the same."""

    def without_reply_to(self) -> "Envelope":
        """Return it as it is when nobody waits for an answer."""
        return replace(self, reply_to=None, correlation_id=None, expiration=None)


def new_id() -> str:
    """Return a new envelope id: 32 hexadecimal digits that sort by time of making."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
