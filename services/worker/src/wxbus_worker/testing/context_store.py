"""Contexts in memory; `tests/contract` holds them to what Redis does."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from wxbus.bus.answer import Answer
from wxbus.errors import StoreUnavailable
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import Context, ContextPolicy
from wxbus_worker.store.pending_replies import TOLD_AGAIN, Released
from wxbus_worker.store.ports import (
    CLAIM,
    RECALL,
    Committed,
    ContextKey,
    Entry,
    Opened,
    PendingReply,
    SendLease,
    entries_of,
)


@dataclass
class _Held:
    held: PendingReply
    account: str
    entries: list[bytes]
    """Those that wait."""
    due: float
    """Until when they wait, or the answer can be recalled."""
    told: float
    """When the lane is told that it is over."""

    @property
    def waits(self) -> bool:
        return self.held.wait > 0


@dataclass
class _Lane:
    version: int = 0
    context: bytes = b""
    recent: list[str] = field(default_factory=list)
    outbox: list[bytes] = field(default_factory=list)
    held: dict[str, _Held] = field(default_factory=dict)
    """By marker."""
    aside: dict[str, list[bytes]] = field(default_factory=dict)
    """By marker."""
    sender: str = ""
    sender_until: float = 0.0


class MemoryContextStore:
    """Lanes in this process; implements `ContextStore`, `PendingReplies` and `Late`."""

    def __init__(
        self,
        policy: ContextPolicy | None = None,
        *,
        lease: float = 15.0,
        most_remembered: int = 500,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy or ContextPolicy()
        self._lease = lease
        self._most_remembered = most_remembered
        self._clock = clock
        self._births = itertools.count(1_000_000, 1_000_000)
        """Where the versions of a new context start: never at those of a removed one."""
        self._lanes: dict[str, _Lane] = {}
        self.away = False
        """Set it to take the store away: every call raises StoreUnavailable."""

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a user's context, to be read; if there is none, None, or with `create` a new one."""
        opened = await self.open(ContextKey.of_user(appid, openid), "")
        return opened.context if create or opened.version else None

    async def open(self, key: ContextKey, dedup_key: str) -> Opened:
        """Return the lane, before a message is handled."""
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
        run: str,
        remove: bool = False,
        account: str = "",
        held: PendingReply | None = None,
    ) -> Committed:
        """Write context, marker and replies together, unless the lane has changed; take the turn to send."""
        lane = self._lane(key)
        context = b"" if remove else opened.context.to_bytes()
        if dedup_key in lane.recent:
            return Committed("duplicate", self._take_turn(lane, run))
        if lane.version != opened.version:
            return Committed("conflict")
        if remove:
            lane.version, lane.context = 0, b""
        elif key.openid is not None:
            lane.version, lane.context = (lane.version or next(self._births)) + 1, context
        lane.recent = [*lane.recent, dedup_key][-self._most_remembered :]
        entries = [entry.to_bytes() for entry in entries_of(dedup_key, replies)]
        if held is not None:
            due = self._clock() + (held.wait or RECALL)
            lane.held[dedup_key] = _Held(held, account, entries if held.wait else [], due, due)
        if held is None or not held.wait:
            lane.outbox += entries
        return Committed("committed", self._take_turn(lane, run))

    async def drop_all(self) -> int:
        """Drop the contexts of all users, without an event, and return how many; ids and replies to send stay."""
        alive = [lane for lane in self._lanes.values() if lane.version]
        for lane in alive:
            lane.version, lane.context = 0, b""
        return len(alive)

    async def claim(self, key: ContextKey, *, run: str) -> SendLease:
        """Take the turn to send what the outbox holds, if no other run has it."""
        return self._take_turn(self._lane(key), run)

    async def remove_sent(
        self, key: ContextKey, entries: Sequence[Entry], *, run: str, last: bool = False, aside: str = ""
    ) -> float:
        """Remove entries; renew our turn and return its new end, or end it if it is the `last` or nothing is left."""
        lane = self._lane(key)
        struck = {entry.to_bytes() for entry in entries}
        if aside:
            lane.aside.setdefault(aside, []).extend(entry for entry in lane.outbox if entry in struck)
        lane.outbox = [entry for entry in lane.outbox if entry not in struck]
        if self._holder(lane) == run:
            over = last or not lane.outbox
            lane.sender, lane.sender_until = ("", 0.0) if over else (run, self._clock() + self._lease)
        return self._clock() + self._lease

    async def resume(self, key: ContextKey, dedup_key: str, *, run: str) -> SendLease:
        """Put a message's replies that were set aside into the outbox again, and take the turn to send."""
        lane = self._lane(key)
        lane.outbox += lane.aside.pop(dedup_key, [])
        return self._take_turn(lane, run)

    async def recall(self, account: str, key: ContextKey, dedup_key: str, *, wait: float) -> Answer | None:  # noqa: ARG002 - as Redis'
        """Return the answer of a message that was committed before; its replies wait at least `wait` seconds more."""
        held = self._lane(key).held.get(dedup_key)
        if held is None or (not held.waits and held.due <= self._clock()):
            return None
        if held.waits:
            held.due = max(held.due, self._clock() + wait)
            held.told = max(held.told, held.due)
        return held.held.answer

    async def release(self, account: str, key: ContextKey, dedup_key: str, *, taken: bool, run: str) -> Released:  # noqa: ARG002 - as Redis'
        """Put the replies into the outbox, without the one that was `taken`; take the turn to send."""
        lane = self._lane(key)
        held = lane.held.get(dedup_key)
        if held is None or not held.waits:
            return Released("gone", self._take_turn(lane, run))
        if not taken and self._clock() < held.due:
            held.told = held.due
            return Released("kept", self._take_turn(lane, run))
        passive = held.held.passive if taken else None
        lane.outbox += [entry for number, entry in enumerate(held.entries) if number != passive]
        if taken:
            lane.held[dedup_key] = replace(
                held, held=replace(held.held, wait=0.0), entries=[], due=self._clock() + RECALL
            )
        else:
            del lane.held[dedup_key]
        return Released("released", self._take_turn(lane, run))

    async def claim_late(self, shard: int, *, most: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and marker of messages whose replies have waited; for a while nobody else gets them."""
        due = [
            (held.account, name, dedup_key, held)
            for name, lane in self._lanes.items()
            if ContextKey("", None, name).shard == shard
            for dedup_key, held in lane.held.items()
            if held.waits and held.told <= self._clock()
        ][:most]
        for *_, held in due:
            held.told = self._clock() + CLAIM
        return [one[:3] for one in due]

    async def told(self, account: str, lane: str, dedup_key: str) -> None:  # noqa: ARG002 - as Redis'
        """Note that the lane was told."""
        if held := self._lanes[lane].held.get(dedup_key):
            held.told = self._clock() + TOLD_AGAIN.total_seconds()

    def held(self, key: ContextKey) -> list[AnyReply]:
        """Return the replies that wait until it is known whether WeChat was answered with one."""
        return [Entry.parse(stored).reply for held in self._lane(key).held.values() for stored in held.entries]

    def passive(self, key: ContextKey, dedup_key: str) -> AnyReply | None:
        """Return the reply of a message that WeChat may be answered with, if it still waits."""
        held = self._lane(key).held.get(dedup_key)
        if held is None or held.held.passive is None or not held.entries:
            return None
        return Entry.parse(held.entries[held.held.passive]).reply

    def outbox(self, key: ContextKey) -> list[AnyReply]:
        """Return the replies that wait to be sent."""
        return [Entry.parse(stored).reply for stored in self._lane(key).outbox]

    async def answering(self) -> None:
        """Return at once: what is in this process always answers."""

    def _lane(self, key: ContextKey) -> _Lane:
        if self.away:
            raise StoreUnavailable("the store is away")
        return self._lanes.setdefault(key.lane, _Lane())

    def _holder(self, lane: _Lane) -> str:
        return lane.sender if self._clock() < lane.sender_until else ""

    def _take_turn(self, lane: _Lane, run: str) -> SendLease:
        now = self._clock()
        if not lane.outbox:
            return SendLease()
        if self._holder(lane) not in {"", run}:
            return SendLease(wait=lane.sender_until - now)
        lane.sender, lane.sender_until = run, now + self._lease
        return SendLease(tuple(map(Entry.parse, lane.outbox)), 0.0, lane.sender_until)
