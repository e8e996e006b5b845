"""Contexts in memory; `tests/contract` holds them to what Redis does."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wxbus.errors import StoreUnavailable
from wxbus.wechat.reply import AnyReply
from wxbus_worker.context import Context, ContextPolicy
from wxbus_worker.context_store import Committed, ContextKey, Entry, Opened, Turn, entries_of


@dataclass
class _Lane:
    version: int = 0
    context: bytes = b""
    recent: list[str] = field(default_factory=list)
    outbox: list[bytes] = field(default_factory=list)
    sender: str = ""
    sender_until: float = 0.0


class MemoryContextStore:
    """Lanes in this process (implements `wxbus_worker.context_store.ContextStore`)."""

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

    async def open(self, key: ContextKey, marker: str) -> Opened:
        """Return the lane, before a message is handled."""
        lane = self._lane(key)
        context = Context(key.appid, key.openid, self._policy, lane.context)
        return Opened(lane.version, context, marker in lane.recent)

    async def commit(
        self,
        key: ContextKey,
        marker: str,
        opened: Opened,
        replies: Sequence[AnyReply],
        *,
        run: str,
        remove: bool = False,
    ) -> Committed:
        """Write context, marker and replies together, unless the lane has changed; take the turn to send."""
        lane = self._lane(key)
        context = b"" if remove else opened.context.to_bytes()
        if marker in lane.recent:
            return Committed("duplicate", self._take_turn(lane, run))
        if lane.version != opened.version:
            return Committed("conflict")
        if remove:
            lane.version, lane.context = 0, b""
        elif key.openid is not None:
            lane.version, lane.context = (lane.version or next(self._births)) + 1, context
        lane.recent = [*lane.recent, marker][-self._most_remembered :]
        lane.outbox += [entry.to_bytes() for entry in entries_of(marker, replies)]
        return Committed("committed", self._take_turn(lane, run))

    async def restore(self) -> int:
        """Drop the contexts of all users, without an event, and return how many; ids and replies to send stay."""
        alive = [lane for lane in self._lanes.values() if lane.version]
        for lane in alive:
            lane.version, lane.context = 0, b""
        return len(alive)

    async def claim(self, key: ContextKey, *, run: str) -> Turn:
        """Take the turn to send what the outbox holds, if no other run has it."""
        return self._take_turn(self._lane(key), run)

    async def strike(self, key: ContextKey, entries: Sequence[Entry], *, run: str, last: bool = False) -> float:
        """Remove entries; renew our turn and return its new end, or end it if it is the `last` or nothing is left."""
        lane = self._lane(key)
        struck = {entry.to_bytes() for entry in entries}
        lane.outbox = [entry for entry in lane.outbox if entry not in struck]
        if self._holder(lane) == run:
            over = last or not lane.outbox
            lane.sender, lane.sender_until = ("", 0.0) if over else (run, self._clock() + self._lease)
        return self._clock() + self._lease

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

    def _take_turn(self, lane: _Lane, run: str) -> Turn:
        now = self._clock()
        if not lane.outbox:
            return Turn()
        if self._holder(lane) not in {"", run}:
            return Turn(wait=lane.sender_until - now)
        lane.sender, lane.sender_until = run, now + self._lease
        return Turn(tuple(map(Entry.parse, lane.outbox)), 0.0, lane.sender_until)
