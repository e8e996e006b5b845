"""Publishes scheduled messages to their users' lanes when their time has come.

A message leaves the index after RabbitMQ has confirmed it. If the worker is killed in between, it is published twice
and handled once: both copies have the caller's id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Protocol

from wxbus.aio.background import repeat
from wxbus.aio.ticks import until_tick
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Inbox

SWEEP_INTERVAL: Final = 1.0
"""Seconds between two sweeps of a worker."""
BATCH: Final = 200
PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm; shorter than a claim."""


class DueMessages(Protocol):
    """The index: `wxbus_worker.store.schedule.Schedule`."""

    async def claim_due(self, *, limit: int) -> Sequence[tuple[str, Envelope]]:
        """Return messages whose time has come; other workers do not get them for a time."""
        ...

    async def remove(self, key: str) -> None:
        """Remove a message that is published."""
        ...


class ScheduleSweeper:
    """Searches for messages whose time has come. Each worker runs one."""

    def __init__(self, schedule: DueMessages, inbox: Inbox) -> None:
        self._schedule = schedule
        self._inbox = inbox

    async def run(self) -> None:
        """Sweep until cancelled."""
        await repeat(self.sweep, name="scheduled messages", pause=lambda: until_tick(SWEEP_INTERVAL))

    async def sweep(self) -> int:
        """Publish all messages that are due now, and return their number.

        Raises:
            BrokerUnavailable: One was not confirmed: it is published again after its claim.
        """
        found = 0
        while claimed := await self._schedule.claim_due(limit=BATCH):
            lanes = defaultdict(list)
            for key, envelope in claimed:
                lanes[envelope.lane].append((key, envelope))
            outcomes = await asyncio.gather(*map(self._publish, lanes.values()), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            found += len(claimed)
            if len(claimed) < BATCH:
                break
        return found

    async def _publish(self, lane: Sequence[tuple[str, Envelope]]) -> None:
        for key, envelope in lane:  # in the order of their times
            await self._inbox.publish(envelope, budget=PUBLISH_BUDGET)
            await self._schedule.remove(key)
