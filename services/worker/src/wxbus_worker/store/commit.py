"""Runs the commit script of a lane: context, dedup key and replies in one step."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from wxbus.store.batches import Argument
from wxbus_worker.store.keys import LaneKeys, pending_member
from wxbus_worker.store.ports import RECALL_SECONDS, CommitResult, ContextKey, Entry, PendingReply
from wxbus_worker.store.scripts import Scripts, load_with_lease, parse_send_lease, to_ms

TRIM_INTERVAL: Final = timedelta(hours=1)
"""Longest time between two commits that remove surplus dedup keys."""


@dataclass(slots=True, eq=False, kw_only=True)
class Write:
    """The values that a commit writes."""

    dedup_key: str
    version: int
    """Of the lane when it was opened."""
    what: Literal["keep", "remove", "none"]
    """What happens to the context."""
    context: bytes
    expire_after: float
    """Seconds."""
    entries: tuple[Entry, ...]
    pending: PendingReply | None
    account: str
    trim: bool
    """Remove surplus dedup keys."""


@dataclass(slots=True, eq=False)
class Written:
    """The answer of the script."""

    result: CommitResult
    version: int = 0
    """Of the lane now."""
    removed: int = 0
    """Dedup keys that were removed, the oldest."""


class CommitScript:
    """The script with its limits."""

    def __init__(
        self,
        scripts: Scripts,
        keys: LaneKeys,
        *,
        lease: float,
        remember: timedelta,
        max_remembered: int,
        remembered_at_least: timedelta,
    ) -> None:
        """The arguments are those of `RedisContextStore`."""
        self._scripts = scripts
        self._keys = keys
        self._lease = lease
        self._max_remembered = max_remembered
        self._limits = (
            to_ms((remember + TRIM_INTERVAL).total_seconds()),
            round(remembered_at_least.total_seconds() * 1000),
        )
        self._remember_ms, self._lease_ms, self._recall_ms = map(
            to_ms, (remember.total_seconds(), lease, RECALL_SECONDS)
        )
        self._script = load_with_lease("commit")

    async def run(self, key: ContextKey, keys: tuple[str, ...], write: Write, *, attempt_id: str) -> Written:
        """Return the result of the script; `keys` are those of each commit in the lane."""
        entries, pending = write.entries, write.pending
        args: list[Argument] = [
            write.dedup_key,
            write.version,
            write.what,
            write.context,
            to_ms(write.expire_after),
            key.lane,
            self._remember_ms,
            self._max_remembered if write.trim else 0,
            *self._limits,
            attempt_id,
            self._lease_ms,
            len(entries),
            *[entry.stored for entry in entries],
        ]
        if pending is not None:
            keys = (*keys, self._keys.pending(key, write.dedup_key), self._keys.reply_deadlines(key.shard))
            args += (
                pending.answer.to_bytes(),
                to_ms(pending.wait) if pending.wait else 0,
                "" if pending.passive is None else pending.passive,
                pending_member(write.account, key, write.dedup_key),
                self._recall_ms,
            )
        requested_at = time.monotonic()
        status, *answer = await self._scripts.run(self._script, keys=keys, args=args)
        if status == b"conflict":
            return Written(CommitResult("conflict"))
        version, removed, *lease = answer
        send_lease = parse_send_lease(lease, requested_at + self._lease)
        if status == b"duplicate":
            return Written(CommitResult("duplicate", send_lease))
        # The script returns only the entries that were in the outbox before.
        sendable = not send_lease.wait and (pending is None or not pending.wait)
        return Written(
            CommitResult("committed", send_lease.followed_by(entries) if sendable else send_lease), version, removed
        )
