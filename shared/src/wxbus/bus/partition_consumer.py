"""The channel of one partition and its deliveries.

To give up a partition, drain it and close its channel: prefetched messages go back in order. `basic.cancel` and
requeueing break the order (RabbitMQ and Redis reference 2 and 3).
"""

import asyncio
from contextlib import suppress
from time import monotonic

import structlog

from wxbus.bus import wire
from wxbus.bus.amqp.connection import BrokerCall
from wxbus.bus.amqp.delivery_channel import DeliveryChannel
from wxbus.bus.delivery import ReceivedDelivery
from wxbus.bus.ports import DeliveryHandler
from wxbus.bus.received import Received
from wxbus.errors import BrokerUnavailable

log = structlog.stdlib.get_logger(__name__)


class PartitionDelivery(ReceivedDelivery):
    """A message from the channel of a partition; implements `wxbus.bus.ports.Delivery`."""

    __slots__ = ("_acked", "_channel", "_tag")

    def __init__(
        self, tag: int, message: Received, partition: int, channel: DeliveryChannel, *, redelivered: bool
    ) -> None:
        self._tag = tag
        self._channel = channel
        self._acked = False
        lane = wire.lane_of(message) or f"unreadable:{partition}:{tag}"
        super().__init__(message, partition, lane=lane, redelivered=redelivered)

    async def ack(self) -> None:
        """Acknowledge the delivery on its channel, or raise BrokerUnavailable if the channel is lost."""
        if self._acked:
            # RabbitMQ would close the channel, and with it all deliveries of the partition.
            raise RuntimeError(f"delivery {self._tag} is acknowledged twice")
        with BrokerCall("acknowledging"):
            self._channel.acknowledge(self._tag)
        self._acked = True


class PartitionConsumer:
    """A subscription to one partition, on a channel of its own."""

    def __init__(self, partition: int, channel: DeliveryChannel, handler: DeliveryHandler) -> None:
        self.partition = partition
        self.delivering_since: float | None = None
        """Time of the first message: this subscription is the active one since then."""
        self.ended = False
        """The partition was drained or lost: none of its deliveries is running."""
        self.closed = asyncio.Event()
        """Set when the partition was given up and the channel is closed."""
        self._channel = channel
        self._handler = handler
        self._accepting = True

    async def consume(self, queue: str, *, prefetch: int) -> None:
        """Subscribe to the queue of the partition."""
        await self._channel.consume(queue, self._deliver, prefetch=prefetch)

    def _deliver(self, tag: int, redelivered: bool, properties: bytes, body: bytes) -> None:
        """Deliver a message, unless the channel is being closed."""
        if not self._accepting:
            return
        if self.delivering_since is None:
            self.delivering_since = monotonic()
            log.info("partition.delivering", partition=self.partition)
        message = Received(properties, body)
        self._handler.deliver(PartitionDelivery(tag, message, self.partition, self._channel, redelivered=redelivered))

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
