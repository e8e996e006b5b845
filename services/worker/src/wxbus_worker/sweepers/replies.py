"""Replies that nobody can take as a passive answer any more: found in their shard's index, and told to their lanes.

The note stands in the lane behind whatever ingress has said of the reply: that is why it is no more than a note, and
nothing is sent from here. The moment is kept in Redis, so it comes whoever has died meanwhile.

What ingress has said may still be on its way, if RabbitMQ was away. So nothing counts as late before RabbitMQ has been
there for a while without a break, and has just confirmed something that was published after the moment.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from wxbus.aio.background import repeat
from wxbus.bus.passive_answer import reply_deadline_passed
from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable
from wxbus_worker.store.ports import SHARDS

SWEEP_EVERY: Final = 1.0
"""Seconds between two looks at the index."""
BATCH: Final = 100
PROBE_BUDGET: Final = 2.0
"""Seconds; a RabbitMQ that confirms more slowly is as good as away."""
PUBLISH_BUDGET: Final = 5.0


class OverdueReplies(Protocol):
    """The index: `wxbus_worker.store.pending_replies.RedisPendingReplies`. Every call may be repeated."""

    async def claim_overdue(self, shard: int, *, most: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and marker of messages whose replies have waited; for a while nobody else gets them."""
        ...

    async def mark_overdue_published(self, account: str, lane: str, dedup_key: str) -> None:
        """Note that the lane was told."""
        ...


class ReplySweeper:
    """Looks for replies that are late; as many at once as there are workers."""

    def __init__(
        self,
        replies: OverdueReplies,
        publisher: PublisherPort,
        *,
        after_outage: float,
        every: float = SWEEP_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look `every` so many seconds, and find nothing late in the first `after_outage` with RabbitMQ."""
        self._replies = replies
        self._publisher = publisher
        self._after_outage = after_outage
        self._every = every
        self._clock = clock
        self._connection = 0
        self._there_since = clock()

    async def run(self) -> None:
        """Sweep until cancelled, whatever is away meanwhile."""
        await asyncio.sleep(self._pause())
        await repeat(self.sweep, name="late replies", pause=self._pause)

    async def sweep(self) -> int:
        """Tell the lanes of all that is late now, and return how many messages that were.

        Raises:
            BrokerUnavailable: A note was not confirmed: it is published again after its claim.
        """
        try:
            if not await self._is_there():
                return 0
            claimed = await asyncio.gather(*(self._replies.claim_overdue(shard, most=BATCH) for shard in range(SHARDS)))
            if not any(claimed):
                return 0
            # What ingress has published before this is in its lane soon after it. Our notes could not tell us so:
            # those that RabbitMQ took without a confirm would be in their lanes before ingress's.
            await self._publisher.probe(budget=PROBE_BUDGET)
            await asyncio.sleep(self._every)
            if not await self._is_there():
                return 0
            return sum(await asyncio.gather(*map(self._tell, claimed)))
        except BrokerUnavailable:
            self._there_since = self._clock()
            raise

    def _pause(self) -> float:
        """Return the seconds between two looks.

        Each worker looks at times of its own: they look one after another, and find what is late the sooner.
        """
        return self._every * random.uniform(0.5, 1.5)

    async def _is_there(self) -> bool:
        """Return whether RabbitMQ has been there for long enough, or raise BrokerUnavailable if it is not at all."""
        await self._publisher.check()
        if self._publisher.connections != self._connection:
            self._connection, self._there_since = self._publisher.connections, self._clock()
        return self._clock() - self._there_since >= self._after_outage

    async def _tell(self, claimed: Sequence[tuple[str, str, str]]) -> int:
        for account, lane, dedup_key in claimed:
            await self._publisher.publish(
                reply_deadline_passed(lane, dedup_key, account=account), budget=PUBLISH_BUDGET
            )
            await self._replies.mark_overdue_published(account, lane, dedup_key)
        return len(claimed)
