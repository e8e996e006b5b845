"""The partition consumer (RabbitMQ and Redis reference 3): a plain connection of its own, one channel per partition.

Partitions are taken and given up while it runs. RabbitMQ hands a partition to one subscription at a time, the oldest:
taking one that another consumes means to wait for it.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic

import structlog
from aiormq.abc import AbstractConnection

from wxbus.aio.backoff import Backoff
from wxbus.aio.waiting import wait_any
from wxbus.bus.connection import HEARTBEAT, BrokerCall, address, connected
from wxbus.bus.declare import declare
from wxbus.bus.intake import PartitionConsumer
from wxbus.bus.ports import DeliveryHandler, PartitionSubscription
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable

PREFETCH = 32
"""Unacknowledged envelopes per partition. One constant for all: different ones break the order after two losses."""
TICK = 1.0
"""Seconds between looks at the clock, which find out that this process was frozen."""

log = structlog.stdlib.get_logger(__name__)


def consumer_name(name: str) -> str:
    """Return the name under which the connection of the consumer `name` stands in RabbitMQ's lists."""
    return f"{name}:consume"


class Consumer:
    """Delivers partitions to a sink until told to stop; makes its connection again whenever it is lost."""

    def __init__(
        self, url: str, topology: Topology, sink: DeliveryHandler, *, name: str, prefetch: int = PREFETCH
    ) -> None:
        self._url = address(url, name=consumer_name(name))
        self._topology = topology
        self._sink = sink
        self._prefetch = prefetch
        self.subscribed = asyncio.Event()
        """Set while every partition that was taken is consumed or waited for."""
        self.admitted = asyncio.Event()
        """Clear it to make no new connection for the time being."""
        self.admitted.set()
        self._wanted: dict[int, bool] = {}
        """Partitions to subscribe to at each new connection, and whether only as a standby."""
        self._intakes: dict[int, PartitionConsumer] = {}
        self._leaving: dict[int, PartitionConsumer] = {}
        self._connection: AbstractConnection | None = None
        self._subscribing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._over: asyncio.Future[str] | None = None
        self._reason = "not connected yet"

    async def run(self, partitions: Iterable[int] = ()) -> None:
        """Deliver these partitions and those that are taken later; returns after `stop`.

        Raises:
            ConfigurationError: The queues are there with other settings.
        """
        self._wanted.update(dict.fromkeys(partitions, False))
        backoff = Backoff()
        while await self._may_connect():
            try:
                self._reason = await self._session(backoff)
            except BrokerUnavailable as exc:
                self._reason = str(exc)
            if not self._stopping.is_set():
                delay = backoff.delay()
                log.warning("consumer.lost", reason=self._reason, connecting_in=round(delay, 3))
                await wait_any(self._stopping, within=delay)

    def disconnect(self, reason: str) -> None:
        """End the connection and with it every subscription: drop what was fetched, it goes to others."""
        self._end_session(reason)

    async def subscribe(self, partition: int, *, standby: bool = False) -> None:
        """Subscribe to a partition, now if connected and at every new connection; it may be held already.

        A `standby` subscribes after the others at a new connection, so that it is less likely to get deliveries.
        """
        while leaving := self._leaving.get(partition):
            await leaving.over.wait()
        async with self._subscribing:
            self._wanted[partition] = standby
            if self._connection is None or partition in self._intakes or self._stopping.is_set():
                return
            try:
                with BrokerCall("subscribing"):
                    await self._subscribe(self._connection, partition)
            except BrokerUnavailable as exc:
                self._end_session(f"partition {partition}: {exc}")

    async def unsubscribe(self, partition: int) -> None:
        """Let what runs of a partition end, then hand it to the next subscription; it need not be held."""
        async with self._subscribing:
            self._wanted.pop(partition, None)
            leaving = self._leave(partition)
        if leaving:
            await self._close(leaving)

    @property
    def subscriptions(self) -> dict[int, PartitionSubscription]:
        """Return the partitions subscribed to now."""
        return {
            partition: PartitionSubscription(
                standby=self._wanted.get(partition, False),
                delivering=None if intake.delivering_since is None else monotonic() - intake.delivering_since,
            )
            for partition, intake in self._intakes.items()
        }

    async def stop(self) -> None:
        """Give up every partition: drain it, close its channel. Then `run` returns."""
        self._stopping.set()
        try:
            async with self._subscribing:
                before = list(self._leaving.values())
                leaving = [intake for partition in tuple(self._intakes) if (intake := self._leave(partition))]
            async with asyncio.TaskGroup() as group:
                for intake in leaving:
                    group.create_task(self._close(intake))
                for intake in before:
                    group.create_task(intake.over.wait())
        finally:
            if self._over is not None and not self._over.done():
                self._over.set_result("stopped")

    async def check(self) -> None:
        """Return if deliveries can come in now, or raise BrokerUnavailable."""
        if not self.subscribed.is_set():
            raise BrokerUnavailable(f"RabbitMQ: {self._reason}")

    async def _may_connect(self) -> bool:
        """Return True once a connection may be made, or False if we are to stop."""
        await wait_any(self.admitted, self._stopping)
        return not self._stopping.is_set()

    async def _session(self, backoff: Backoff) -> str:
        """Consume on one connection; return why it ended."""
        async with connected(self._url) as connection:
            await declare(connection, self._topology)
            over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            try:
                self._over, self._connection = over, connection
                async with self._subscribing:
                    for partition in sorted(self._wanted, key=self._wanted.__getitem__):
                        if self._stopping.is_set():
                            break
                        await self._subscribe(connection, partition)
                self.subscribed.set()
                backoff.reset()
                log.info("consumer.connected", partitions=len(self._intakes))
                return await _until(over)
            finally:
                self._over = self._connection = None
                self.subscribed.clear()
                for intake in (*self._intakes.values(), *self._leaving.values()):
                    intake.lost()
                self._intakes.clear()

    async def _subscribe(self, connection: AbstractConnection, partition: int) -> None:
        channel = await connection.channel(publisher_confirms=False)
        intake = PartitionConsumer(partition, channel, self._sink)
        channel.closing.add_done_callback(lambda _: self._lost(intake, "its channel was closed"))
        # A deleted queue cancels its consumer and leaves the channel open.
        channel.on_consumer_cancel_callbacks.add(lambda _: self._lost(intake, "RabbitMQ cancelled its consumer"))
        await channel.basic_qos(prefetch_count=self._prefetch)
        self._intakes[partition] = intake
        try:
            await channel.basic_consume(self._topology.inbox_queue(partition).name, intake.on_message)
        except BaseException:
            self._drop(intake)
            raise
        if connection is not self._connection:  # it is being closed
            self._drop(intake)

    def _leave(self, partition: int) -> PartitionConsumer | None:
        """Return the partition's intake, if there is one, on its way out."""
        intake = self._intakes.pop(partition, None)
        if intake:
            self._leaving[partition] = intake
        return intake

    async def _close(self, intake: PartitionConsumer) -> None:
        try:
            await intake.give_up()
        finally:
            del self._leaving[intake.partition]
            intake.over.set()

    def _lost(self, intake: PartitionConsumer, reason: str) -> None:
        known = intake.gone  # we closed it ourselves, or the session is over already
        self._drop(intake)
        # While stopping, the others are still being drained over this connection.
        if not known and not self._stopping.is_set():
            self._end_session(f"partition {intake.partition}: {reason}")

    def _drop(self, intake: PartitionConsumer) -> None:
        if self._intakes.get(intake.partition) is intake:
            del self._intakes[intake.partition]
        intake.lost()

    def _end_session(self, reason: str) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(reason)


async def _until(over: asyncio.Future[str]) -> str:
    """Return why the session is over; a process that stood still has lost its connection, noticed or not."""
    while not over.done():
        before = monotonic()
        await asyncio.wait({over}, timeout=TICK)
        if monotonic() - before > TICK + HEARTBEAT:
            return "this process stood still for longer than the heartbeat"
    return over.result()
