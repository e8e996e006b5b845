"""Replies that nobody can take as a passive answer any more: found in their shard's index, and told to their lanes.

The note stands in the lane behind whatever ingress has said of the reply: that is why it is no more than a note, and
nothing is sent from here. The moment is kept in Redis, so it comes whoever has died meanwhile.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from wxbus.bus.answer import late
from wxbus.bus.ports import Inbox
from wxbus.errors import BrokerUnavailable
from wxbus_worker.context_store import SHARDS

SWEEP_EVERY: Final = 1.0
"""Seconds between two looks at the index."""
BATCH: Final = 100
PUBLISH_BUDGET: Final = 5.0

log = structlog.stdlib.get_logger(__name__)


class Late(Protocol):
    """The index: `wxbus_worker.held_replies.RedisHeldReplies`. Every call may be repeated."""

    async def claim_late(self, shard: int, *, most: int) -> Sequence[tuple[str, str, str]]:
        """Return account, lane and marker of messages whose replies have waited; for a while nobody else gets them."""
        ...

    async def told(self, account: str, lane: str, marker: str) -> None:
        """Note that the lane was told."""
        ...


class CheckedInbox(Inbox, Protocol):
    """An inbox that knows whether it works: `wxbus.bus.publisher.Publisher`."""

    async def check(self) -> None:
        """Return if a publish would go out now, or raise BrokerUnavailable."""
        ...


class LateSweeper:
    """Looks for replies that are late; as many at once as there are workers."""

    def __init__(self, replies: Late, inbox: CheckedInbox, *, every: float = SWEEP_EVERY) -> None:
        """Look `every` so many seconds."""
        self._replies = replies
        self._inbox = inbox
        self._every = every

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            # Each worker at times of its own: they look one after another, and find what is late the sooner.
            await asyncio.sleep(self._every * random.uniform(0.5, 1.5))
            try:
                await self.sweep()
            except BrokerUnavailable as exc:
                log.warning("late.waits_for_broker", error=str(exc))

    async def sweep(self) -> int:
        """Tell the lanes of all that is late now, and return how many messages that were.

        Raises:
            BrokerUnavailable: A note was not confirmed: it is published again after its claim.
        """
        # A note that waits for RabbitMQ here could come before one of ingress that waits for it there.
        await self._inbox.check()
        return sum(await asyncio.gather(*map(self._take, range(SHARDS))))

    async def _take(self, shard: int) -> int:
        claimed = await self._replies.claim_late(shard, most=BATCH)
        for account, lane, marker in claimed:
            await self._inbox.publish(late(lane, marker, account=account), budget=PUBLISH_BUDGET)
            await self._replies.told(account, lane, marker)
        return len(claimed)
