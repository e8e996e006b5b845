"""The queue of other programs' requests about users; one worker at a time consumes it, in order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

import structlog
from aio_pika.abc import AbstractConnection
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.commands import Basic

from wxbus.aio.background import background
from wxbus.bus import wire
from wxbus.bus.amqp.confirm_channel import ConfirmChannel, Unroutable
from wxbus.bus.amqp.connection import BrokerCall, open_channel, stream_of
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.amqp.session import Session
from wxbus.bus.delivery import ReceivedDelivery
from wxbus.bus.envelope import new_id
from wxbus.bus.received import Received
from wxbus.bus.topology import Queue, Topology

PREFETCH: Final = 256
"""Maximum number of requests in one batch."""


class RequestDelivery(ReceivedDelivery):
    """A request; implements `wxbus.bus.ports.Delivery`."""

    def __init__(self, message: DeliveredMessage) -> None:
        received = Received.of(message.header.properties, message.body)
        lane = f"request:{message.delivery_tag}"
        super().__init__(received, -1, lane=lane, redelivered=bool(message.redelivered))

    async def ack(self) -> None:
        """Do nothing: requests are acknowledged together."""


RequestsHandler: TypeAlias = Callable[[Sequence[RequestDelivery]], Awaitable[None]]
"""Accepts requests in the order of the queue; returns when all of them are on disk elsewhere."""

log = structlog.stdlib.get_logger(__name__)


class RequestPublisher:
    """Puts requests into the queue, from any program."""

    def __init__(self, url: str, topology: Topology, *, name: str) -> None:
        """Use `open`."""
        self._queue = topology.requests_queue
        self._session = Session(url, self._set_up, name=f"{name}:requests")

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, topology: Topology, *, name: str) -> AsyncIterator["RequestPublisher"]:
        """Yield a publisher, which connects now and after every loss; RabbitMQ may start later.

        Raises:
            ConfigurationError: `url` is not an AMQP address.
        """
        publisher = cls(url, topology, name=name)
        async with publisher._session.running():
            yield publisher

    async def put(self, body: bytes, *, budget: float) -> None:
        """Put a request into the queue; returns when RabbitMQ has it on disk.

        Raises:
            BrokerUnavailable: No confirm within `budget` seconds; the request may have arrived.
        """
        by = asyncio.get_running_loop().time() + budget
        message_id = new_id()
        properties = Basic.Properties(
            message_id=message_id, content_type=wire.CONTENT_TYPE, delivery_mode=wire.PERSISTENT
        ).marshal()
        with BrokerCall("publishing a request"):
            async with asyncio.timeout_at(by):
                channel = await self._session.ready()
            try:
                await channel.publish("", self._queue.name, message_id, properties, body, by=by)
            except Unroutable:
                self._session.end("the queue is missing")  # the next connection declares it again
                raise

    @asynccontextmanager
    async def _set_up(self, connection: AbstractConnection) -> AsyncIterator[ConfirmChannel]:
        await _ensure(connection, self._queue)
        with BrokerCall("opening a channel"):
            channel = await open_channel(connection, confirms=True, on_lost=self._session.end)
        yield ConfirmChannel(channel, stream_of(connection))


async def _ensure(connection: AbstractConnection, queue: Queue) -> None:
    """Declare the queue unless it exists: the program may lack the permission, or not know the queue's limits."""
    with BrokerCall(f"looking for {queue.name}"):
        channel = await connection.channel(publisher_confirms=False)
        with suppress(ChannelNotFoundEntity):
            await channel.declare_queue(queue.name, passive=True)
            await channel.close()
            return
    await declare_queue(connection, queue)


class RequestConsumer:
    """Passes the requests of the queue to a handler, and acknowledges them afterwards.

    The queue has a single active consumer, so one worker consumes the requests in order; another worker takes over.
    """

    def __init__(self, url: str, topology: Topology, handler: RequestsHandler, *, name: str) -> None:
        self._queue = topology.requests_queue
        self._handler = handler
        self._session = Session(url, self._set_up, name=f"{name}:requests")

    async def run(self) -> None:
        """Consume requests until cancelled; unacknowledged requests are delivered again, and duplicates are dropped."""
        await self._session.run()

    @asynccontextmanager
    async def _set_up(self, connection: AbstractConnection) -> AsyncIterator[Channel]:
        await declare_queue(connection, self._queue)
        waiting: deque[DeliveredMessage] = deque()
        arrived = asyncio.Event()

        async def on_message(message: DeliveredMessage) -> None:
            waiting.append(message)
            arrived.set()

        with BrokerCall("consuming requests"):
            channel = await open_channel(connection, on_lost=self._session.end)
            await channel.basic_qos(prefetch_count=PREFETCH)
            await channel.basic_consume(self._queue.name, on_message)
        async with background(self._take(channel, waiting, arrived)):
            yield channel

    async def _take(self, channel: Channel, waiting: deque[DeliveredMessage], arrived: asyncio.Event) -> None:
        while True:
            await arrived.wait()
            arrived.clear()
            batch = [RequestDelivery(message) for message in waiting]
            last = waiting[-1].delivery_tag or 0
            waiting.clear()
            try:
                await self._handler(batch)
                with BrokerCall("acknowledging requests"):
                    await channel.basic_ack(last, multiple=True, wait=False)
            except Exception as exc:
                log.exception("requests.failed")
                self._session.end(f"requests could not be accepted: {exc}")
                return
