"""The channel of one partition and its deliveries.

To give up a partition, drain it and close its channel: prefetched messages go back in order. `basic.cancel` and
requeueing break the order, and a multiple ack would include running deliveries (RabbitMQ and Redis reference 2 and 3).
"""

import asyncio
from contextlib import suppress
from time import monotonic

import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from wxbus.bus import wire
from wxbus.bus.amqp.connection import BrokerCall
from wxbus.bus.delivery import ReceivedDelivery
from wxbus.bus.ports import DeliveryHandler
from wxbus.bus.received import Received
from wxbus.errors import BrokerUnavailable

ACK_TIMEOUT = 5.0

log = structlog.stdlib.get_logger(__name__)


class PartitionDelivery(ReceivedDelivery):
    """A message from the channel of a partition; implements `wxbus.bus.ports.Delivery`."""

    __slots__ = ("_acked", "_channel", "_tag")

    def __init__(self, message: DeliveredMessage, partition: int, channel: AbstractChannel) -> None:
        received = Received(message.header.properties, message.body)
        self._tag = message.delivery_tag or 0
        self._channel = channel
        self._acked = False
        lane = wire.lane_of(received) or f"unreadable:{partition}:{self._tag}"
        super().__init__(received, partition, lane=lane, redelivered=bool(message.redelivered))

    async def ack(self) -> None:
        """Acknowledge it on its own channel, or raise BrokerUnavailable if that is lost."""
        if self._acked:
            # RabbitMQ would close the channel, and with it all deliveries of the partition.
            raise RuntimeError(f"delivery {self._tag} is acknowledged twice")
        with BrokerCall("acknowledging"):
            async with asyncio.timeout(ACK_TIMEOUT):
                await self._channel.basic_ack(self._tag, wait=False)
        self._acked = True


class PartitionConsumer:
    """A subscription to one partition, on a channel of its own."""

    def __init__(self, partition: int, channel: AbstractChannel, handler: DeliveryHandler) -> None:
        self.partition = partition
        self.delivering_since: float | None = None
        """Time of the first message: this subscription is the active one since then."""
        self.ended = False
        """It was drained or lost: no delivery of it is running."""
        self.closed = asyncio.Event()
        """Set when it was given up and its channel is closed."""
        self._channel = channel
        self._handler = handler
        self._accepting = True

    async def on_message(self, message: DeliveredMessage) -> None:
        """Deliver a message, unless the channel is being closed; aiormq starts one task per message, in order."""
        if not self._accepting:
            return
        if self.delivering_since is None:
            self.delivering_since = monotonic()
            log.info("partition.delivering", partition=self.partition)
        self._handler.deliver(PartitionDelivery(message, self.partition, self._channel))

    def lost(self) -> None:
        """Drop the partition, unless it was given up: its messages go to the next consumer."""
        self._accepting = False
        if not self.ended:
            self.ended = True
            self._handler.lost(self.partition)

    async def give_up(self) -> None:
        """Wait for the running deliveries, then close the channel."""
        self._accepting = False
        if self.ended:
            return
        await self._handler.drain(self.partition)
        self.ended = True
        with suppress(BrokerUnavailable), BrokerCall("closing a channel"):
            await self._channel.close()
