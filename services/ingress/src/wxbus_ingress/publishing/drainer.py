"""Publishes the rows of a spool to RabbitMQ in the order of arrival."""

import asyncio
from collections.abc import Sequence

from wxbus.bus.ports import PublisherPort
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.spool.rows import SpooledEnvelope
from wxbus_ingress.spool.spool import Spool

BATCH = 256
"""Envelopes read at once."""
CONFIRM_TIMEOUT = 10.0
"""Seconds for one confirm: no callback waits for it, so it may take longer than a callback's budget."""


class Drainer:
    """Publishes envelopes, the oldest first, and removes them from the spool after the confirm.

    Envelopes of one lane are published one after another, so a failure cannot change their order; lanes are published
    concurrently. An envelope without a confirm is published again under its id; workers drop the second copy
    (RabbitMQ and Redis reference 9).
    """

    def __init__(self, spool: Spool, publisher: PublisherPort, metrics: SpoolMetrics) -> None:
        self._spool = spool
        self._publisher = publisher
        self._metrics = metrics

    async def step(self) -> bool:
        """Publish the oldest envelopes; return False if the spool is empty.

        Raises:
            BrokerUnavailable: Not all of them were confirmed.
            SpoolUnavailable: They could not be read or removed.
        """
        if not await self._spool.oldest(1):
            return False
        await self._publisher.until_usable()
        batch = await self._spool.oldest(BATCH)  # read now: a note that arrived meanwhile is first
        confirmed: list[int] = []
        try:
            await self._publish(batch[:1], confirmed)  # alone: if RabbitMQ still fails, there is one copy, not 256
            await self._publish_lanes(batch[1:], confirmed)
        finally:
            if confirmed:
                await self._spool.remove(confirmed)
                self._metrics.drained.inc(len(confirmed))
        return True

    async def drain(self) -> None:
        """Return once the spool is empty; raises as `step` does."""
        while await self.step():
            pass

    async def _publish_lanes(self, batch: Sequence[SpooledEnvelope], confirmed: list[int]) -> None:
        lanes: dict[str, list[SpooledEnvelope]] = {}
        for spooled in batch:
            lanes.setdefault(spooled.envelope.lane, []).append(spooled)
        outcomes = await asyncio.gather(
            *(self._publish(lane, confirmed) for lane in lanes.values()), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _publish(self, lane: Sequence[SpooledEnvelope], confirmed: list[int]) -> None:
        for spooled in lane:
            await self._publisher.publish(spooled.envelope, budget=CONFIRM_TIMEOUT)
            confirmed.append(spooled.number)
