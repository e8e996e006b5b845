"""Replies that are pending until it is known whether WeChat received one of them as the passive answer.

They are not in the outbox, so nothing sends them. A note in the user's lane moves them there: without the reply that
WeChat received, or all of them once the deadline has passed. The first note in the lane decides.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Protocol

from wxbus.bus.passive_answer import PassiveAnswer
from wxbus_worker.store.due_shards import DueShards
from wxbus_worker.store.keys import LaneKeys, parse_pending_member, pending_member
from wxbus_worker.store.ports import CLAIM_SECONDS, RECALL_SECONDS, ContextKey, SendLease
from wxbus_worker.store.scripts import Scripts, load, load_with_lease, parse_send_lease, to_ms

PUBLISH_AGAIN_AFTER: Final = timedelta(minutes=10)
"""When the note about a deadline is published again if the replies are still pending: it may be dead-lettered."""


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """The result of a note."""

    status: Literal["released", "not_due", "absent"]
    """`not_due`: the deadline was extended. `absent`: nothing is pending, an earlier note has decided."""
    send_lease: SendLease = field(default_factory=SendLease)


class PendingReplies(Protocol):
    """Pending replies of committed messages. Every call may be repeated.

    Raises:
        StoreUnavailable: No answer; the call may have had its effect.
    """

    async def recall(self, account: str, key: ContextKey, dedup_key: str, *, wait: float) -> PassiveAnswer | None:
        """Return the answer of a message committed before; its replies stay pending for at least `wait` seconds."""
        ...

    async def release(
        self, account: str, key: ContextKey, dedup_key: str, *, delivered: bool, attempt_id: str
    ) -> ReleaseResult:
        """Move the replies into the outbox, without the passive one if it was `delivered`; claim the send lease."""
        ...


class RedisPendingReplies:
    """Pending replies in Redis; also implements `wxbus_worker.sweepers.replies.OverdueReplies`."""

    def __init__(
        self, scripts: Scripts, *, namespace: str, lease: float = 15.0, remember: timedelta = timedelta(days=7)
    ) -> None:
        """The arguments are those of `RedisContextStore`."""
        self._scripts = scripts
        self._keys = LaneKeys(namespace)
        self._lease = lease
        self._remember_ms = to_ms(remember.total_seconds())
        self._release = load_with_lease("release_pending")
        self._recall = load("recall_answer")
        self._claim_overdue = load("claim_overdue_replies")
        self._mark_overdue_published = load("mark_overdue_published")
        self._due_shards = DueShards(scripts, self._keys.reply_deadlines)

    async def recall(self, account: str, key: ContextKey, dedup_key: str, *, wait: float) -> PassiveAnswer | None:
        """Return the answer of a message committed before; its replies stay pending for at least `wait` seconds."""
        stored = await self._scripts.run(
            self._recall,
            keys=[self._keys.pending(key, dedup_key), self._keys.reply_deadlines(key.shard)],
            args=[pending_member(account, key, dedup_key), to_ms(wait)],
        )
        return None if stored is None else PassiveAnswer.parse(stored)

    async def release(
        self, account: str, key: ContextKey, dedup_key: str, *, delivered: bool, attempt_id: str
    ) -> ReleaseResult:
        """Move the replies into the outbox, without the passive one if it was `delivered`; claim the send lease."""
        requested_at = time.monotonic()
        status, lease = await self._scripts.run(
            self._release,
            keys=[
                self._keys.pending(key, dedup_key),
                self._keys.reply_deadlines(key.shard),
                self._keys.of(key, "outbox"),
                self._keys.of(key, "send_lease"),
            ],
            args=[
                "delivered" if delivered else "deadline_passed",
                pending_member(account, key, dedup_key),
                to_ms(RECALL_SECONDS),
                self._remember_ms,
                attempt_id,
                to_ms(self._lease),
            ],
        )
        return ReleaseResult(status.decode(), parse_send_lease(lease, requested_at + self._lease))

    async def due_shards(self) -> Sequence[int]:
        """Return the shards that have messages whose deadline has passed."""
        return await self._due_shards.find()

    async def claim_overdue(self, shard: int, *, limit: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and dedup key of messages whose deadline has passed; other processes do not get them."""
        members = await self._scripts.run(
            self._claim_overdue, keys=[self._keys.reply_deadlines(shard)], args=[limit, to_ms(CLAIM_SECONDS)]
        )
        return [parse_pending_member(member) for member in members]

    async def mark_overdue_published(self, account: str, lane: str, dedup_key: str) -> None:
        """Record that the note is published: it is due again only after `PUBLISH_AGAIN_AFTER`."""
        key = ContextKey("", None, lane)
        await self._scripts.run(
            self._mark_overdue_published,
            keys=[self._keys.reply_deadlines(key.shard)],
            args=[pending_member(account, key, dedup_key), to_ms(PUBLISH_AGAIN_AFTER.total_seconds())],
        )
