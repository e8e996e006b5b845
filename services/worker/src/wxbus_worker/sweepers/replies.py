"""Publishes notes about pending replies whose deadline has passed to their users' lanes.

The note decides nothing by itself: it arrives in the lane after ingress's note about the same reply, if there is one.
The deadlines are in Redis, so a crash does not lose them.

After an outage of RabbitMQ ingress's note may still be on its way. So no deadline counts as passed before RabbitMQ has
been available for a while, and has confirmed a message published after the deadline.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from wxbus.aio.background import repeat
from wxbus.aio.ticks import until_tick
from wxbus.bus.passive_answer import reply_deadline_passed
from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable

SWEEP_INTERVAL: Final = 1.0
"""Seconds between two sweeps of a worker."""
BATCH: Final = 100
PROBE_BUDGET: Final = 2.0
"""Seconds; RabbitMQ counts as unavailable if it confirms more slowly."""
PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm."""


class OverdueReplies(Protocol):
    """The index of deadlines: `wxbus_worker.store.pending_replies.RedisPendingReplies`. Every call may be repeated."""

    async def due_shards(self) -> Sequence[int]:
        """Return the shards that have something due."""
        ...

    async def claim_overdue(self, shard: int, *, limit: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and dedup key of messages whose deadline has passed; other workers do not get them."""
        ...

    async def mark_overdue_published(self, account: str, lane: str, dedup_key: str) -> None:
        """Record that the note is published."""
        ...


class ReplySweeper:
    """Searches for passed deadlines. Each worker runs one."""

    def __init__(
        self,
        replies: OverdueReplies,
        publisher: PublisherPort,
        *,
        after_outage: float,
        every: float = SWEEP_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`every`: seconds between sweeps; `after_outage`: seconds for which RabbitMQ must have been available."""
        self._replies = replies
        self._publisher = publisher
        self._after_outage = after_outage
        self._every = every
        self._clock = clock
        self._connection = 0
        self._available_since = clock()

    async def run(self) -> None:
        """Sweep until cancelled."""
        await asyncio.sleep(self._pause())
        await repeat(self.sweep, name="reply deadlines", pause=self._pause)

    async def sweep(self) -> int:
        """Publish notes about all deadlines that have passed, and return their number.

        Raises:
            BrokerUnavailable: A note was not confirmed: it is published again after its claim.
        """
        try:
            if not await self._is_available():
                return 0
            due = await self._replies.due_shards()
            claimed = await asyncio.gather(*(self._replies.claim_overdue(shard, limit=BATCH) for shard in due))
            if not any(claimed):
                return 0
            # Notes that ingress published before this probe are in their lanes soon after it. The confirm of a note
            # proves less: if it is lost, the note may be in the lane before ingress's.
            await self._publisher.probe(budget=PROBE_BUDGET)
            await asyncio.sleep(self._every)
            if not await self._is_available():
                return 0
            return sum(await asyncio.gather(*map(self._publish, claimed)))
        except BrokerUnavailable:
            self._available_since = self._clock()
            raise

    def _pause(self) -> float:
        return until_tick(self._every)

    async def _is_available(self) -> bool:
        """Return whether RabbitMQ has been available for long enough, or raise BrokerUnavailable if it is not now."""
        await self._publisher.check()
        if self._publisher.connections != self._connection:
            self._connection, self._available_since = self._publisher.connections, self._clock()
        return self._clock() - self._available_since >= self._after_outage

    async def _publish(self, claimed: Sequence[tuple[str, str, str]]) -> int:
        for account, lane, dedup_key in claimed:
            note = reply_deadline_passed(lane, dedup_key, account=account)
            await self._publisher.publish(note, budget=PUBLISH_BUDGET)
            await self._replies.mark_overdue_published(account, lane, dedup_key)
        return len(claimed)
