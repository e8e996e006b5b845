"""One partition's channel, and what comes through it.

A partition is given up by draining it and closing its channel: what was prefetched goes back in order. `basic.cancel`
and requeueing would break the order, and a multiple acknowledgement would take what still runs
(RabbitMQ and Redis reference 2 and 3).
"""

import asyncio
from contextlib import suppress
from time import monotonic

import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from wxbus.bus import wire
from wxbus.bus.connection import BrokerCall
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import DeliveryHandler
from wxbus.errors import BrokerUnavailable

ACK_TIMEOUT = 5.0

log = structlog.stdlib.get_logger(__name__)


class PartitionDelivery:
    """One message of one partition's channel; implements `wxbus.bus.ports.Delivery`."""

    __slots__ = ("_acked", "_channel", "_envelope", "arrived", "lane", "message", "partition", "redelivered")

    def __init__(self, message: DeliveredMessage, partition: int, channel: AbstractChannel) -> None:
        self.message = message
        self.partition = partition
        self.lane = wire.lane_of(message) or f"unreadable:{partition}:{message.delivery_tag}"
        self.redelivered = bool(message.redelivered)
        self.arrived = monotonic()
        self._channel = channel
        self._envelope: Envelope | None = None
        self._acked = False

    def envelope(self) -> Envelope:
        """Return the envelope, or raise UnreadableEnvelope."""
        if self._envelope is None:
            self._envelope = wire.to_envelope(self.message)
        return self._envelope

    async def ack(self) -> None:
        """Tell RabbitMQ that it is done; on the channel it came from, or BrokerUnavailable if that is lost."""
        if self._acked:
            # RabbitMQ would close the channel, and with it everything else of the partition.
            raise RuntimeError(f"delivery {self.message.delivery_tag} is acknowledged twice")
        with BrokerCall("acknowledging"):
            async with asyncio.timeout(ACK_TIMEOUT):
                await self._channel.basic_ack(self.message.delivery_tag or 0, wait=False)
        self._acked = True


class PartitionConsumer:
    """One partition's channel while it lasts."""

    def __init__(self, partition: int, channel: AbstractChannel, sink: DeliveryHandler) -> None:
        self.partition = partition
        self.delivering_since: float | None = None
        """When the first message came: from then on RabbitMQ gives the partition to us and to nobody else."""
        self.gone = False
        """Nothing runs any more: it was drained or lost."""
        self.over = asyncio.Event()
        """It was given up, and its channel is closed."""
        self._channel = channel
        self._sink = sink
        self._accepting = True

    async def on_message(self, message: DeliveredMessage) -> None:
        """Hand it on, unless it goes back with the channel; aiormq starts one task per message, in order."""
        if not self._accepting:
            return
        if self.delivering_since is None:
            self.delivering_since = monotonic()
            log.info("partition.delivering", partition=self.partition)
        self._sink.deliver(PartitionDelivery(message, self.partition, self._channel))

    def lost(self) -> None:
        """Drop everything, unless it was given up: it belongs to the next consumer."""
        self._accepting = False
        if not self.gone:
            self.gone = True
            self._sink.lost(self.partition)

    async def give_up(self) -> None:
        """Let what runs end, then close the channel."""
        self._accepting = False
        if self.gone:
            return
        await self._sink.drain(self.partition)
        self.gone = True
        with suppress(BrokerUnavailable), BrokerCall("closing a channel"):
            await self._channel.close()
