"""The store in memory. Contract tests run on it and on the one in Redis."""

import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.errors import StoreUnavailable
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import Context, ContextPolicy, encode
from wxbus_worker.context.contexts import StoredContext
from wxbus_worker.store.pending_replies import PUBLISH_AGAIN_AFTER, ReleaseResult
from wxbus_worker.store.ports import (
    CLAIM_SECONDS,
    RECALL_SECONDS,
    CommitResult,
    ContextKey,
    Entry,
    Opened,
    PendingReply,
    SendLease,
    entries_of,
)


@dataclass
class _PendingEntry:
    reply: PendingReply
    account: str
    entries: list[bytes]
    """Replies that are pending."""
    due: float
    """Deadline of the pending replies, or for recalling the answer."""
    claimable_at: float
    """When the deadline may be published to the lane."""

    @property
    def waits(self) -> bool:
        return self.reply.wait > 0


@dataclass
class _Lane:
    version: int = 0
    context: bytes = b""
    recent: list[str] = field(default_factory=list)
    outbox: list[bytes] = field(default_factory=list)
    pending: dict[str, _PendingEntry] = field(default_factory=dict)
    """By dedup key."""
    set_aside: dict[str, list[bytes]] = field(default_factory=dict)
    """By dedup key."""
    lease_holder: str = ""
    lease_until: float = 0.0


class MemoryContextStore:
    """Lanes in this process; implements `ContextStore`, `PendingReplies` and `OverdueReplies`."""

    def __init__(
        self,
        policy: ContextPolicy | None = None,
        *,
        lease: float = 15.0,
        max_remembered: int = 500,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy or ContextPolicy()
        self._lease = lease
        self._max_remembered = max_remembered
        self._clock = clock
        self._births = itertools.count(1_000_000, 1_000_000)
        """First versions of new contexts: different from those of removed ones."""
        self._lanes: dict[str, _Lane] = {}
        self.unavailable = False
        """Set it to make every call raise StoreUnavailable."""

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a copy of a user's context; if there is none, None, or with `create` a new context."""
        opened = await self.open(ContextKey.of_user(appid, openid), "")
        return opened.context if create or opened.version else None

    async def open(self, key: ContextKey, dedup_key: str, *, reread: bool = False) -> Opened:  # noqa: ARG002 - as Redis'
        """Return the lane's context and version, and whether the message is committed."""
        lane = self._lane(key)
        context = Context(key.appid, key.openid, self._policy, lane.context)
        return Opened(lane.version, context, dedup_key in lane.recent)

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
        """Write context, dedup key and replies together, unless the lane has changed; claim the send lease."""
        lane = self._lane(key)
        context = b"" if remove else encode(opened.context)
        if dedup_key in lane.recent:
            return CommitResult("duplicate", self._take_send_lease(lane, attempt_id))
        if lane.version != opened.version:
            return CommitResult("conflict")
        if remove:
            lane.version, lane.context = 0, b""
        elif key.openid is not None:
            lane.version, lane.context = (lane.version or next(self._births)) + 1, context
        lane.recent = [*lane.recent, dedup_key][-self._max_remembered :]
        self._free_if_idle(lane)
        entries = [entry.stored for entry in entries_of(dedup_key, replies)]
        if pending is not None:
            due = self._clock() + (pending.wait or RECALL_SECONDS)
            lane.pending[dedup_key] = _PendingEntry(pending, account, entries if pending.wait else [], due, due)
        if pending is None or not pending.wait:
            lane.outbox += entries
        return CommitResult("committed", self._take_send_lease(lane, attempt_id))

    async def list(self, appid: str = "") -> AsyncIterator[StoredContext]:
        """Yield the existing contexts, of one account or of all, in no order."""
        for name, lane in [*self._lanes.items()]:
            owner, _, openid = name.partition(":")
            if lane.version and appid in {"", owner}:
                context = (await self.open(ContextKey.of_user(owner, openid), "")).context
                yield StoredContext(owner, openid, (context.last_active or datetime.now(UTC)) + context.expire_after)

    async def drop(self, appid: str, openid: str) -> bool:
        """Drop a user's context without an event, and return whether there was one."""
        lane = self._lane(ContextKey.of_user(appid, openid))
        existed = bool(lane.version)
        lane.version, lane.context = 0, b""
        return existed

    async def drop_all(self) -> int:
        """Remove all contexts without events and return their number; dedup keys and outboxes remain."""
        alive = [lane for lane in self._lanes.values() if lane.version]
        for lane in alive:
            lane.version, lane.context = 0, b""
        return len(alive)

    async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
        """Claim the send lease of the lane, unless another attempt holds it."""
        return self._take_send_lease(self._lane(key), attempt_id)

    async def remove_sent(
        self,
        key: ContextKey,
        entries: Sequence[Entry],
        *,
        attempt_id: str,
        end_lease: bool = False,
        set_aside_as: str = "",
    ) -> float:
        """Remove entries and renew the lease, or end it with `end_lease` or an empty outbox; return its new end."""
        lane = self._lane(key)
        removed = {entry.stored for entry in entries}
        if set_aside_as:
            lane.set_aside.setdefault(set_aside_as, []).extend(entry for entry in lane.outbox if entry in removed)
        lane.outbox = [entry for entry in lane.outbox if entry not in removed]
        if self._holder(lane) == attempt_id:
            over = end_lease or not lane.outbox
            lane.lease_holder, lane.lease_until = ("", 0.0) if over else (attempt_id, self._clock() + self._lease)
        return self._clock() + self._lease

    async def remove_last(self, key: ContextKey, entry: Entry) -> None:
        """Remove the last entry that an attempt had to send."""
        lane = self._lane(key)
        lane.outbox = [stored for stored in lane.outbox if stored != entry.stored]

    async def restore_set_aside(self, key: ContextKey, dedup_key: str, *, attempt_id: str) -> SendLease:
        """Put a message's set-aside replies into the outbox again, and claim the send lease."""
        lane = self._lane(key)
        self._free_if_idle(lane)
        lane.outbox += lane.set_aside.pop(dedup_key, [])
        return self._take_send_lease(lane, attempt_id)

    async def recall(self, account: str, key: ContextKey, dedup_key: str, *, wait: float) -> PassiveAnswer | None:  # noqa: ARG002 - as Redis'
        """Return the answer of a committed message; its replies stay pending for at least `wait` seconds."""
        stored = self._lane(key).pending.get(dedup_key)
        if stored is None or (not stored.waits and stored.due <= self._clock()):
            return None
        if stored.waits:
            stored.due = max(stored.due, self._clock() + wait)
            stored.claimable_at = max(stored.claimable_at, stored.due)
        return stored.reply.answer

    async def release(
        self,
        account: str,  # noqa: ARG002 - as Redis'
        key: ContextKey,
        dedup_key: str,
        *,
        delivered: bool,
        attempt_id: str,
    ) -> ReleaseResult:
        """Put the replies into the outbox, without the passive one if it was `delivered`; claim the send lease."""
        lane = self._lane(key)
        stored = lane.pending.get(dedup_key)
        if stored is None or not stored.waits:
            return ReleaseResult("absent", self._take_send_lease(lane, attempt_id))
        if not delivered and self._clock() < stored.due:
            stored.claimable_at = stored.due
            return ReleaseResult("not_due", self._take_send_lease(lane, attempt_id))
        passive = stored.reply.passive if delivered else None
        self._free_if_idle(lane)
        lane.outbox += [entry for number, entry in enumerate(stored.entries) if number != passive]
        if delivered:
            lane.pending[dedup_key] = replace(
                stored, reply=replace(stored.reply, wait=0.0), entries=[], due=self._clock() + RECALL_SECONDS
            )
        else:
            del lane.pending[dedup_key]
        return ReleaseResult("released", self._take_send_lease(lane, attempt_id))

    async def due_shards(self) -> Sequence[int]:
        """Return the shards with overdue pending replies."""
        return sorted(
            {
                ContextKey("", None, name).shard
                for name, lane in self._lanes.items()
                for stored in lane.pending.values()
                if stored.waits and stored.claimable_at <= self._clock()
            }
        )

    async def claim_overdue(self, shard: int, *, limit: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and dedup key of overdue pending replies; they are claimed for a time."""
        due = [
            (stored.account, name, dedup_key, stored)
            for name, lane in self._lanes.items()
            if ContextKey("", None, name).shard == shard
            for dedup_key, stored in lane.pending.items()
            if stored.waits and stored.claimable_at <= self._clock()
        ][:limit]
        for *_, stored in due:
            stored.claimable_at = self._clock() + CLAIM_SECONDS
        return [one[:3] for one in due]

    async def mark_overdue_published(self, account: str, lane: str, dedup_key: str) -> None:  # noqa: ARG002 - as Redis'
        """Record that the deadline was published to the lane."""
        if stored := self._lanes[lane].pending.get(dedup_key):
            stored.claimable_at = self._clock() + PUBLISH_AGAIN_AFTER.total_seconds()

    def pending(self, key: ContextKey) -> Sequence[AnyReply]:
        """Return the pending replies."""
        return [Entry.parse(entry).reply for stored in self._lane(key).pending.values() for entry in stored.entries]

    def passive(self, key: ContextKey, dedup_key: str) -> AnyReply | None:
        """Return the message's pending passive reply, None if it is not pending."""
        stored = self._lane(key).pending.get(dedup_key)
        if stored is None or stored.reply.passive is None or not stored.entries:
            return None
        return Entry.parse(stored.entries[stored.reply.passive]).reply

    def outbox(self, key: ContextKey) -> Sequence[AnyReply]:
        """Return the replies in the outbox."""
        return [Entry.parse(stored).reply for stored in self._lane(key).outbox]

    async def until_available(self) -> None:
        """Return at once."""

    def _lane(self, key: ContextKey) -> _Lane:
        if self.unavailable:
            raise StoreUnavailable("Redis is unavailable")
        return self._lanes.setdefault(key.lane, _Lane())

    def _holder(self, lane: _Lane) -> str:
        return lane.lease_holder if self._clock() < lane.lease_until else ""

    def _free_if_idle(self, lane: _Lane) -> None:
        """End a lease whose holder has sent everything."""
        if not lane.outbox:
            lane.lease_holder = ""

    def _take_send_lease(self, lane: _Lane, attempt_id: str) -> SendLease:
        now = self._clock()
        if not lane.outbox:
            return SendLease()
        if self._holder(lane) not in {"", attempt_id}:
            return SendLease(wait=lane.lease_until - now)
        lane.lease_holder, lane.lease_until = attempt_id, now + self._lease
        return SendLease(tuple(map(Entry.parse, lane.outbox)), 0.0, lane.lease_until)
