"""The port of the context store, and its values.

Values that are created for each message are not `frozen`, because that makes creation five times as slow; they are
never changed all the same.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from zlib import crc32

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.wechat.replies.reply import AnyReply, reply_from_json, reply_to_json
from wxbus_worker.context.context import Context
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.store.cache import KnownLane

SHARDS: Final = 64
"""Must never change: the keys of all lanes would move."""
HOOK_MARK: Final = "u"
"""Start of the dedup keys of notes about undelivered replies; others are hexadecimal."""
CLAIM_SECONDS: Final = 6.0
"""How long a claim on something due (a context, a pending reply) lasts; then another process publishes it.

A little longer than a publish takes. A lane that receives two notes acts once.
"""
RECALL_SECONDS: Final = 60.0
"""How long an answer is repeated when WeChat pushes the same message again: it may not have received the first one."""


@dataclass(frozen=True, slots=True)
class ContextKey:
    """Identifies a lane: one user of one account, or the business id of a system event, which has no context."""

    appid: str
    openid: str | None
    lane: str

    @property
    def shard(self) -> int:
        """Return the hash tag of the lane's Redis keys."""
        return crc32(self.lane.encode()) % SHARDS

    @classmethod
    def of_user(cls, appid: str, openid: str) -> "ContextKey":
        """Return the key of a user's lane."""
        return cls(appid, openid, f"{appid}:{openid}")

    @classmethod
    def of(cls, envelope: Envelope) -> "ContextKey":
        """Return the key of the envelope's lane."""
        return cls(envelope.appid, envelope.openid, envelope.lane)


def dedup_key_of(envelope: Envelope, *, copies: bool = False) -> str:
    """Return the short key that is the same for every delivery of the same push.

    With `copies` each push of the same message has a key of its own.
    """
    identity = f"{envelope.dedup_id}\n{envelope.id}" if copies else envelope.dedup_id
    return hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()


@dataclass(slots=True)
class Entry:
    """One reply in an outbox."""

    dedup_key: str
    """Of the message that it answers."""
    number: int
    """From 0 within the message."""
    reply: AnyReply
    stored: bytes = field(repr=False)
    """Its form in the outbox."""

    @property
    def of_hook(self) -> bool:
        """Whether an `on_undelivered` handler returned it."""
        return self.dedup_key.startswith(HOOK_MARK)

    @classmethod
    def of(cls, dedup_key: str, number: int, reply: AnyReply) -> "Entry":
        """Return the entry of a message's reply."""
        return cls(dedup_key, number, reply, f"{dedup_key}:{number}:".encode() + reply_to_json(reply))

    @classmethod
    def parse(cls, stored: bytes) -> "Entry":
        """Return the entry of its form in the outbox."""
        dedup_key, number, reply = stored.split(b":", 2)
        return cls(dedup_key.decode(), int(number), reply_from_json(reply), stored)


def entries_of(dedup_key: str, replies: Sequence[AnyReply]) -> tuple[Entry, ...]:
    """Return the outbox entries of a message's replies, in order."""
    return tuple(Entry.of(dedup_key, number, reply) for number, reply in enumerate(replies))


@dataclass(slots=True)
class SendLease:
    """The right of one attempt to send the replies in the outbox of a lane, for a limited time."""

    entries: tuple[Entry, ...] = ()
    """The outbox, oldest first; empty if another attempt holds the lease."""
    wait: float = 0.0
    """Seconds until the lease of another attempt ends, unless that renews it; 0: this attempt holds it."""
    until: float = field(default_factory=time.monotonic)
    """`time.monotonic()` at which this attempt's lease ends at the earliest."""

    def followed_by(self, entries: tuple[Entry, ...]) -> "SendLease":
        """Return the lease with more entries at the end of the outbox."""
        return SendLease(self.entries + entries, self.wait, self.until)


@dataclass(frozen=True, slots=True)
class PendingReply:
    """The answer that ingress may give WeChat; the commit stores it, so that a crash does not lose it."""

    answer: PassiveAnswer
    passive: int | None = None
    """Number of the reply in the answer."""
    wait: float = 0.0
    """Seconds until the deadline, for which all replies of the message stay pending; 0: they go to the outbox."""


@dataclass(slots=True)
class Opened:
    """A lane as it was read."""

    version: int
    context: Context
    duplicate: bool
    """The message was committed before."""
    known: KnownLane | None = None
    """What else the store knows of the lane."""


@dataclass(slots=True)
class CommitResult:
    """The result of a commit."""

    status: Literal["committed", "duplicate", "conflict"]
    """`duplicate`: the message was committed before. `conflict`: the lane has changed, nothing is written."""
    send_lease: SendLease = field(default_factory=SendLease)


class ContextStore(Contexts, Protocol):
    """Stores lanes. Every call may be repeated.

    Raises:
        StoreUnavailable: No answer; the call may have had its effect.
    """

    async def open(self, key: ContextKey, dedup_key: str, *, reread: bool = False) -> Opened:
        """Return the lane, before a message is handled: as this process wrote it last; with `reread` as it is now."""
        ...

    async def commit(
        self,
        key: ContextKey,
        dedup_key: str,
        opened: Opened,
        replies: Sequence[AnyReply],
        *,
        attempt_id: str,
        remove: bool = False,
        account: str = "",
        pending: PendingReply | None = None,
    ) -> CommitResult:
        """Write context, dedup key and replies in one step, unless the lane has changed; claim the send lease.

        Args:
            key: The lane.
            dedup_key: Of the message.
            opened: The lane as it was opened, with the changed context.
            replies: To send.
            attempt_id: Holder of the send lease.
            remove: Remove the context instead of writing it.
            account: The account's name, for the note about a passed deadline.
            pending: Kept for `wxbus_worker.store.pending_replies`.
        """
        ...

    async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
        """Claim the send lease, if no other attempt holds it."""
        ...

    async def remove_sent(
        self,
        key: ContextKey,
        entries: Sequence[Entry],
        *,
        attempt_id: str,
        end_lease: bool = False,
        set_aside_as: str = "",
    ) -> float:
        """Remove entries from the outbox, renew the send lease and return its new end.

        The lease ends with `end_lease`, or if the outbox is empty. With `set_aside_as`, the dedup key of their message,
        the entries are kept for `restore_set_aside` as long as dedup keys are.
        """
        ...

    async def remove_last(self, key: ContextKey, entry: Entry) -> None:
        """Remove the last entry that an attempt had to send; its send lease is not needed any more."""
        ...

    async def restore_set_aside(self, key: ContextKey, dedup_key: str, *, attempt_id: str) -> SendLease:
        """Put a message's replies that were set aside into the outbox again, and claim the send lease."""
        ...
