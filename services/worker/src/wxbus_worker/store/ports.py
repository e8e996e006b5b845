"""Where contexts, recent message ids and outboxes are kept: the port, and what goes through it."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from zlib import crc32

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.wechat.replies.reply import AnyReply, reply_from_json, reply_to_json
from wxbus_worker.context.context import Context

SHARDS = 64
"""Never to be changed: every key of every lane would move."""
CLAIM_SECONDS = 6.0
"""Seconds in which whoever claimed what is due (a context, a held reply) must have told its lane; if it died meanwhile,
another does. Little more than a publish may take: a lane that is told twice acts once."""
RECALL_SECONDS = 60.0
"""Seconds for which an answer is given again when WeChat pushes the same again: it may not have seen the first one."""


@dataclass(frozen=True, slots=True)
class ContextKey:
    """Whose conversation: one user's with one account, or a system event's business id (then no context is kept)."""

    appid: str
    openid: str | None
    lane: str

    @property
    def shard(self) -> int:
        """Return the hash tag of all its keys."""
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
    """Return what a message is remembered by: short, and the same for every delivery of the same push.

    With `copies` every push of the same message is remembered for itself.
    """
    identity = f"{envelope.dedup_id}\n{envelope.id}" if copies else envelope.dedup_id
    return hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One reply in an outbox."""

    dedup_key: str
    """Of the message it answers."""
    number: int
    """From 0 within the message."""
    reply: AnyReply

    def to_bytes(self) -> bytes:
        """Return it as it stands in the outbox."""
        return f"{self.dedup_key}:{self.number}:".encode() + reply_to_json(self.reply)

    @classmethod
    def parse(cls, stored: bytes) -> "Entry":
        """Return the entry that `to_bytes` wrote."""
        dedup_key, number, reply = stored.split(b":", 2)
        return cls(dedup_key.decode(), int(number), reply_from_json(reply))


def entries_of(dedup_key: str, replies: Sequence[AnyReply]) -> tuple[Entry, ...]:
    """Return the outbox entries of a message's replies, in order."""
    return tuple(Entry(dedup_key, number, reply) for number, reply in enumerate(replies))


@dataclass(frozen=True, slots=True)
class SendLease:
    """The answer to "may I send what the outbox holds?"."""

    entries: tuple[Entry, ...] = ()
    """All that is to be sent, oldest first; empty if nothing is, or if it is another's turn."""
    wait: float = 0.0
    """Seconds until the turn of the run that has it ends, if it is not renewed; 0: it is ours."""
    until: float = field(default_factory=time.monotonic)
    """`time.monotonic()` at which our turn ends at the earliest."""


@dataclass(frozen=True, slots=True)
class PendingReply:
    """What WeChat may be answered with, kept by the commit: no death of a worker loses it."""

    answer: PassiveAnswer
    passive: int | None = None
    """Number of the reply that is in it."""
    wait: float = 0.0
    """Seconds until it is known whether WeChat got it: so long all replies of the message wait; 0: they do not."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A lane as it was read."""

    version: int
    context: Context
    duplicate: bool
    """The message was committed before."""


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The outcome of a commit."""

    status: Literal["committed", "duplicate", "conflict"]
    """`duplicate`: it was committed before, by us or another. `conflict`: the lane has changed, nothing is written."""
    send_lease: SendLease = field(default_factory=SendLease)


class ContextStore(Protocol):
    """Keeps lanes. Every call may be repeated.

    Workers open and commit; other code reads with `get`.

    Raises:
        StoreUnavailable: No answer; it may or may not have happened.
    """

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a user's context, to be read; if there is none, None, or with `create` a new one."""
        ...

    async def open(self, key: ContextKey, dedup_key: str) -> Opened:
        """Return the lane, before a message is handled."""
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
        """Write context, marker and replies together, unless the lane has changed; take the turn to send.

        With `remove` the context is removed in place of written. With `held`, the answer is kept for
        `wxbus_worker.store.pending_replies`; `account` is the account's name, for the note in case that nobody takes
        it.
        """
        ...

    async def drop_all(self) -> int:
        """Drop the contexts of all users, without an event, and return how many; ids and replies to send stay."""
        ...

    async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
        """Take the turn to send what the outbox holds, if no other run has it."""
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
        """Remove entries; renew our turn and return its new end, or end it if it is the `last` or nothing is left.

        With `aside`, the marker of their message, they are kept for `resume` as long as message ids are.
        """
        ...

    async def restore_set_aside(self, key: ContextKey, dedup_key: str, *, attempt_id: str) -> SendLease:
        """Put a message's replies that were set aside into the outbox again, and take the turn to send."""
        ...
