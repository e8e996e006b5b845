"""Notes that wake the consumer of a partition while a lane of it has an overflow.

A worker learns that it consumes a partition from the first delivery. After a crash of its predecessor there may be
nothing to deliver, and the overflow would wait for the next message of any user. So one note per lane circulates
through a retry queue: each consumer of the note sends it again, as long as the lane has an overflow.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from wxbus.aio.backoff import Backoff
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.ports import Delivery, PublisherPort
from wxbus.bus.topology import WAKEUP
from wxbus.errors import BrokerUnavailable, UnreadableEnvelope

PUBLISH_BUDGET: Final = 5.0

log = structlog.stdlib.get_logger(__name__)


class Wakeups:
    """Sends wake-up notes."""

    def __init__(self, publisher: PublisherPort) -> None:
        self._publisher = publisher

    async def begin(self, deliveries: Sequence[Delivery]) -> str:
        """Send the first note of the lane of these deliveries, and return its id."""
        for delivery in deliveries:
            try:
                envelope = delivery.envelope()
            except UnreadableEnvelope:
                continue
            note = wakeup_note(envelope)
            await self.send(note)
            return note.id
        return ""

    async def send(self, note: Envelope) -> None:
        """Send a note; return when RabbitMQ has it on disk."""
        backoff = Backoff(first=0.05, longest=5.0)
        while True:
            try:
                return await self._publisher.schedule_retry(note, delay=WAKEUP, budget=PUBLISH_BUDGET)
            except BrokerUnavailable as exc:
                delay = backoff.delay()
                log.warning("broker.unavailable", error=str(exc), retry_in=round(delay, 3))
                await asyncio.sleep(delay)


def wakeup_note(envelope: Envelope) -> Envelope:
    """Return a new note for the lane of `envelope`."""
    note_id = new_id()
    return replace(
        envelope.without_reply_to(),
        id=note_id,
        kind=EnvelopeKind.LANE_OVERFLOWS,
        dedup_id=f"{envelope.lane}:lane_overflows:{note_id}",
        body=b"{}",
        received_at=time.time(),
        attempt=1,
        replay=False,
        committed=None,
        plain_signature=None,
    )


def is_wakeup(delivery: Delivery) -> bool:
    """Return whether a delivery is a wake-up note."""
    try:
        return delivery.envelope().kind is EnvelopeKind.LANE_OVERFLOWS
    except UnreadableEnvelope:
        return False
