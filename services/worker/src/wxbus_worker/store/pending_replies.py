"""Replies that wait until it is known whether WeChat was answered with one of them, and what becomes of them then.

They do not stand in the outbox: nothing sends them. A note through the user's lane puts them there, `taken` without the
one that WeChat got, `late` all of them. What comes first in the lane decides.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Protocol

from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.store.store import Script
from wxbus_worker.store.ports import CLAIM_SECONDS, RECALL_SECONDS, ContextKey, SendLease
from wxbus_worker.store.redis import LaneKeys, Scripts, parse_pending_member, parse_send_lease, pending_member, to_ms

PUBLISH_AGAIN_AFTER: Final = timedelta(minutes=10)
"""A lane that was told and did nothing is told again: the note may be lost among the dead letters."""


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """What a note has done."""

    status: Literal["released", "kept", "gone"]
    """`kept`: somebody may still take the reply. `gone`: nothing was held any more, a note before this one decided."""
    send_lease: SendLease = field(default_factory=SendLease)


class PendingReplies(Protocol):
    """What commits have held; every call may be repeated.

    Raises:
        StoreUnavailable: No answer; it may or may not have happened.
    """

    async def recall(self, account: str, key: ContextKey, dedup_key: str, *, wait: float) -> PassiveAnswer | None:
        """Return the answer of a message that was committed before; its replies wait at least `wait` seconds more."""
        ...

    async def release(
        self, account: str, key: ContextKey, dedup_key: str, *, taken: bool, attempt_id: str
    ) -> ReleaseResult:
        """Put the replies into the outbox, without the one that was `taken`; take the turn to send."""
        ...


class RedisPendingReplies:
    """Pending replies in Redis, beside the contexts; also implements `wxbus_worker.sweepers.replies.OverdueReplies`."""

    def __init__(
        self, scripts: Scripts, *, namespace: str, lease: float = 15.0, remember: timedelta = timedelta(days=7)
    ) -> None:
        """All of them as for `RedisContextStore`."""
        self._scripts = scripts
        self._keys = LaneKeys(namespace)
        self._lease = lease
        self._remember_ms = to_ms(remember.total_seconds())
        turn, release, self._recall, self._late, self._told = (
            Script.of("wxbus_worker.store.lua", f"{name}.lua") for name in ("turn", "release", "recall", "late", "told")
        )
        self._release = Script(release.name, turn.source + release.source)

    async def recall(self, account: str, key: ContextKey, dedup_key: str, *, wait: float) -> PassiveAnswer | None:
        """Return the answer of a message that was committed before; its replies wait at least `wait` seconds more."""
        stored = await self._scripts.run(
            self._recall,
            keys=[self._keys.pending(key, dedup_key), self._keys.reply_deadlines(key.shard)],
            args=[pending_member(account, key, dedup_key), to_ms(wait)],
        )
        return None if stored is None else PassiveAnswer.parse(stored)

    async def release(
        self, account: str, key: ContextKey, dedup_key: str, *, taken: bool, attempt_id: str
    ) -> ReleaseResult:
        """Put the replies into the outbox, without the one that was `taken`; take the turn to send."""
        asked = time.monotonic()
        status, turn = await self._scripts.run(
            self._release,
            keys=[
                self._keys.pending(key, dedup_key),
                self._keys.reply_deadlines(key.shard),
                self._keys.of(key, "outbox"),
                self._keys.of(key, "sender"),
            ],
            args=[
                "taken" if taken else "late",
                pending_member(account, key, dedup_key),
                to_ms(RECALL_SECONDS),
                self._remember_ms,
                attempt_id,
                to_ms(self._lease),
            ],
        )
        return ReleaseResult(status.decode(), parse_send_lease(turn, asked + self._lease))

    async def claim_overdue(self, shard: int, *, most: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and marker of messages whose replies have waited; for a while nobody else gets them."""
        members = await self._scripts.run(
            self._late, keys=[self._keys.reply_deadlines(shard)], args=[most, to_ms(CLAIM_SECONDS)]
        )
        return [parse_pending_member(member) for member in members]

    async def mark_overdue_published(self, account: str, lane: str, dedup_key: str) -> None:
        """Note that the lane was told."""
        key = ContextKey("", None, lane)
        await self._scripts.run(
            self._told,
            keys=[self._keys.reply_deadlines(key.shard)],
            args=[pending_member(account, key, dedup_key), to_ms(PUBLISH_AGAIN_AFTER.total_seconds())],
        )
