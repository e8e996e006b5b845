"""Consumes partitions on a connection of its own, one channel per partition (RabbitMQ and Redis reference 3).

Partitions are subscribed and unsubscribed while it runs. RabbitMQ delivers a partition to one subscription at a time,
the oldest one; a subscription behind others waits.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from time import monotonic

import structlog
from aio_pika.abc import AbstractConnection

from wxbus.bus.amqp.connection import BrokerCall, open_channel, stream_of
from wxbus.bus.amqp.declare import declare
from wxbus.bus.amqp.delivery_channel import DeliveryChannel
from wxbus.bus.amqp.session import Session
from wxbus.bus.partition_consumer import PartitionConsumer
from wxbus.bus.ports import DeliveryHandler, PartitionSubscription
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable

PREFETCH = 1_000
"""Unacknowledged envelopes per partition, far more than the share of one lane: no user blocks a partition. The same for
all consumers: different values break the order."""

log = structlog.stdlib.get_logger(__name__)


def consumer_name(name: str) -> str:
    """Return the name of the connection of consumer `name` in RabbitMQ's lists."""
    return f"{name}:consume"


class Consumer:
    """Delivers partitions to a handler until `stop`; reconnects after each loss."""

    def __init__(
        self, url: str, topology: Topology, handler: DeliveryHandler, *, name: str, prefetch: int = PREFETCH
    ) -> None:
        self._session = Session(url, self._set_up, name=consumer_name(name), fail_on_configuration=True)
        self._topology = topology
        self._handler = handler
        self._prefetch = prefetch
        self.subscribed = self._session.available
        """Set while all wanted partitions are subscribed."""
        self.admitted = self._session.allowed
        """Clear it to prevent new connections."""
        self._wanted: dict[int, bool] = {}
        """Partitions to subscribe at each new connection, and whether as a standby."""
        self._consumers: dict[int, PartitionConsumer] = {}
        self._closing: dict[int, PartitionConsumer] = {}
        self._connection: AbstractConnection | None = None
        self._subscribing = asyncio.Lock()

    async def run(self, partitions: Iterable[int] = ()) -> None:
        """Deliver these partitions and those subscribed later; returns after `stop`.

        Raises:
            ConfigurationError: The queues exist with other settings.
        """
        self._wanted.update(dict.fromkeys(partitions, False))
        await self._session.run()

    def disconnect(self, reason: str) -> None:
        """End the connection; its prefetched messages go to other consumers."""
        self._session.end(reason)

    async def subscribe(self, partition: int, *, standby: bool = False) -> None:
        """Subscribe to a partition at once if connected, and at each new connection.

        A `standby` subscribes after the others at a new connection, so it is less likely to become active.
        """
        while closing := self._closing.get(partition):
            await closing.closed.wait()
        async with self._subscribing:
            self._wanted[partition] = standby
            if self._connection is None or partition in self._consumers or self._session.stopping.is_set():
                return
            try:
                with BrokerCall("subscribing"):
                    await self._subscribe(self._connection, partition)
            except BrokerUnavailable as exc:
                self._session.end(f"partition {partition}: {exc}")

    async def unsubscribe(self, partition: int) -> None:
        """Wait for the running deliveries of a partition, then give it to the next subscription."""
        async with self._subscribing:
            self._wanted.pop(partition, None)
            closing = self._start_closing(partition)
        if closing:
            await self._close(closing)

    @property
    def subscriptions(self) -> dict[int, PartitionSubscription]:
        """Return the current subscriptions by partition."""
        return {
            partition: PartitionSubscription(
                standby=self._wanted.get(partition, False),
                delivering=None if consumer.delivering_since is None else monotonic() - consumer.delivering_since,
            )
            for partition, consumer in self._consumers.items()
        }

    async def stop(self) -> None:
        """Drain every partition and close its channel; then `run` returns."""
        self._session.stopping.set()
        try:
            async with self._subscribing:
                before = list(self._closing.values())
                closing = [
                    started for partition in tuple(self._consumers) if (started := self._start_closing(partition))
                ]
            async with asyncio.TaskGroup() as group:
                for consumer in closing:
                    group.create_task(self._close(consumer))
                for consumer in before:
                    group.create_task(consumer.closed.wait())
        finally:
            self._session.end("stopped")

    async def check(self) -> None:
        """Return if the wanted partitions are subscribed, or raise BrokerUnavailable."""
        self._session.current()

    @asynccontextmanager
    async def _set_up(self, connection: AbstractConnection) -> AsyncIterator[AbstractConnection]:
        """Subscribe to the wanted partitions; drop all at the end."""
        await declare(connection, self._topology)
        try:
            self._connection = connection
            async with self._subscribing:
                for partition in sorted(self._wanted, key=self._wanted.__getitem__):
                    if self._session.stopping.is_set():
                        break
                    await self._subscribe(connection, partition)
            log.info("consumer.subscribed", partitions=len(self._consumers))
            yield connection
        finally:
            self._connection = None
            for consumer in (*self._consumers.values(), *self._closing.values()):
                consumer.lost()
            self._consumers.clear()

    async def _subscribe(self, connection: AbstractConnection, partition: int) -> None:
        channel = await open_channel(connection, on_lost=lambda reason: self._lost(consumer, reason))
        consumer = PartitionConsumer(partition, DeliveryChannel(channel, stream_of(connection)), self._handler)
        self._consumers[partition] = consumer
        try:
            await consumer.consume(self._topology.inbox_queue(partition).name, prefetch=self._prefetch)
        except BaseException:
            self._drop(consumer)
            raise
        if connection is not self._connection:  # it is being closed
            self._drop(consumer)

    def _start_closing(self, partition: int) -> PartitionConsumer | None:
        consumer = self._consumers.pop(partition, None)
        if consumer:
            self._closing[partition] = consumer
        return consumer

    async def _close(self, consumer: PartitionConsumer) -> None:
        try:
            await consumer.give_up()
        finally:
            del self._closing[consumer.partition]
            consumer.closed.set()

    def _lost(self, consumer: PartitionConsumer, reason: str) -> None:
        expected = consumer.ended  # we closed the channel, or the connection has ended before
        self._drop(consumer)
        # While stopping, other partitions are still being drained over this connection.
        if not expected and not self._session.stopping.is_set():
            self._session.end(f"partition {consumer.partition}: {reason}")

    def _drop(self, consumer: PartitionConsumer) -> None:
        if self._consumers.get(consumer.partition) is consumer:
            del self._consumers[consumer.partition]
        consumer.lost()
