"""Empties a spool into RabbitMQ, in the order of arrival."""

import asyncio
from collections.abc import Sequence

import structlog

from wxbus.bus.ports import PublisherPort
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.spool.file import Spooled
from wxbus_ingress.spool.spool import Spool

BATCH = 256
"""Envelopes taken at once."""
BUDGET = 10.0
"""Seconds for one confirm; nobody waits for it, so a slow broker gets more time than a callback has."""

log = structlog.stdlib.get_logger(__name__)


class Drainer:
    """Publishes from the oldest envelope on, and removes what was confirmed.

    Envelopes of one lane go one after another, each after the confirm of the one before, so no refusal in between can
    turn them round; lanes go side by side. An envelope whose outcome is not known is sent again under the same id:
    the first copy decides, workers drop the others (RabbitMQ and Redis reference 9).
    """

    def __init__(self, spool: Spool, broker: PublisherPort, metrics: SpoolMetrics) -> None:
        self._spool = spool
        self._broker = broker
        self._metrics = metrics

    async def step(self) -> bool:
        """Send the oldest envelopes; return False if the spool is empty.

        Raises:
            BrokerUnavailable: Not all of them were confirmed.
            SpoolUnavailable: They could not be read or removed.
        """
        if not await self._spool.oldest(1):
            return False
        await self._broker.until_usable()
        batch = await self._spool.oldest(BATCH)  # not before: a note that came meanwhile goes first
        sent: list[int] = []
        try:
            await self._send(batch[:1], sent)  # alone: if RabbitMQ is not well yet, there is one copy more, not 256
            await self._send_lanes(batch[1:], sent)
        finally:
            if sent:
                await self._spool.remove(sent)
                self._metrics.drained.inc(len(sent))
        return True

    async def _send_lanes(self, batch: Sequence[Spooled], sent: list[int]) -> None:
        lanes: dict[str, list[Spooled]] = {}
        for spooled in batch:
            lanes.setdefault(spooled.envelope.lane, []).append(spooled)
        outcomes = await asyncio.gather(*(self._send(lane, sent) for lane in lanes.values()), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _send(self, lane: Sequence[Spooled], sent: list[int]) -> None:
        for spooled in lane:
            await self._broker.publish(spooled.envelope, budget=BUDGET)
            sent.append(spooled.number)
