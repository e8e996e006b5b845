"""The outlet over RabbitMQ: every call returns after the broker's confirm, or raises `BrokerUnavailable`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import structlog
from aiormq import Channel
from aiormq.abc import AbstractConnection
from aiormq.exceptions import PublishError

from wxbus.bus import wire
from wxbus.bus.connection import Backoff, BrokerCall, address, connected
from wxbus.bus.consumer import PartitionDelivery
from wxbus.bus.declare import declare
from wxbus.bus.envelope import Envelope, new_id
from wxbus.bus.ports import Death, Delivery
from wxbus.bus.sender import Sender
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, WxbusError

WINDOW = 50
"""Publishes in flight at once: more only add latency (broker notes 5)."""
BLOCKED_AFTER = 0.05
"""Seconds after which a connection that is not ready counts as blocked by an alarm."""

log = structlog.stdlib.get_logger(__name__)


class Publisher:
    """A connection for publishing alone, made again whenever it is lost."""

    def __init__(self, url: str, topology: Topology, *, name: str, window: int = WINDOW) -> None:
        """Use `open`, which also keeps the connection."""
        self._url = address(url, name=f"{name}:publish")
        self._topology = topology
        self._window = asyncio.Semaphore(window)
        self._inbox = topology.inbox.name
        self._dead = topology.dead.name
        self._sender: Sender | None = None
        self._connection: AbstractConnection | None = None
        self._usable = asyncio.Event()
        self._over: asyncio.Future[None] | None = None
        self._reason = "not connected yet"

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, topology: Topology, *, name: str, window: int = WINDOW) -> AsyncIterator["Publisher"]:
        """Yield a publisher; it connects by itself, now and after every loss, so the broker may come later than we."""
        publisher = cls(url, topology, name=name, window=window)
        supervisor = asyncio.create_task(publisher._supervise(), name="publisher")
        try:
            yield publisher
        finally:
            supervisor.cancel()
            await asyncio.wait([supervisor])

    async def check(self) -> None:
        """Return if a publish would go out now.

        Raises:
            BrokerUnavailable: Not connected, or RabbitMQ blocks publishers for an alarm (memory, disk).
        """
        if self._connection is None:
            raise BrokerUnavailable(f"RabbitMQ: {self._reason}")
        try:
            async with asyncio.timeout(BLOCKED_AFTER):
                await self._connection.ready()
        except TimeoutError as exc:
            raise BrokerUnavailable("RabbitMQ blocks publishers: memory or disk alarm") from exc

    async def until_usable(self) -> None:
        """Return when a publish would go out at once: connected, and not blocked by an alarm."""
        while True:
            await self._usable.wait()
            connection, over = self._connection, self._over
            if connection is None or over is None:
                continue  # lost again since
            ready = asyncio.ensure_future(connection.ready())
            try:
                await asyncio.wait({ready, over}, return_when=asyncio.FIRST_COMPLETED)
                if not over.done():
                    return
            finally:
                ready.cancel()
            await asyncio.sleep(0)  # the session ends in its own task

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Put it into the partition of its lane; returns when RabbitMQ has it on disk."""
        await self._send(
            self._inbox, envelope.lane, envelope.id, wire.encode_properties(envelope), envelope.body, budget
        )

    async def park(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Put it into the retry queue of `delay`, from which it comes back to the partition of its lane."""
        exchange = self._topology.retry(delay).name
        await self._send(exchange, envelope.lane, envelope.id, wire.encode_properties(envelope), envelope.body, budget)

    async def bury(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Copy it as it came, readable or not, to the dead letters."""
        if not isinstance(delivery, PartitionDelivery):
            raise TypeError(f"{type(delivery).__name__} did not come out of a queue")
        message = delivery.message
        properties = wire.to_dead_properties(message, death)
        properties.message_id = properties.message_id or new_id()  # a return is known by it
        await self._send(self._dead, delivery.lane, properties.message_id, properties.marshal(), message.body, budget)

    async def _send(
        self, exchange: str, lane: str, message_id: str, properties: bytes, body: bytes, budget: float
    ) -> None:
        routing_key = str(self._topology.partition_of(lane))
        with BrokerCall("publishing"):
            async with asyncio.timeout(budget), self._window:
                sender = self._sender
                if sender is None or sender.is_closed:
                    sender = await self._next_sender()
                tag, confirmed = sender.publish(exchange, routing_key, message_id, properties, body)
                try:
                    await confirmed
                except PublishError:
                    # A queue or binding was deleted under us: a new session declares it again.
                    self._end_session()
                    raise
                finally:
                    sender.forget(message_id, tag)

    async def _next_sender(self) -> Sender:
        self._end_session()
        while self._sender is None:
            await self._usable.wait()
        return self._sender

    async def _supervise(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._session(backoff)
            except WxbusError as exc:
                self._reason = str(exc)
            except Exception:  # the supervisor must outlive every surprise of the client library
                log.exception("publisher.failed")
                self._reason = "the connection failed in an unknown way, see the log"
            delay = backoff.delay()
            log.warning("publisher.lost", reason=self._reason, connecting_in=round(delay, 3))
            await asyncio.sleep(delay)

    async def _session(self, backoff: Backoff) -> None:
        async with connected(self._url) as connection:
            await declare(connection, self._topology)
            with BrokerCall("opening a channel"):
                channel = cast("Channel", await connection.channel(publisher_confirms=True, on_return_raises=True))
            over = self._over = asyncio.get_running_loop().create_future()
            channel.closing.add_done_callback(lambda _: self._end_session())
            self._connection, self._sender = connection, Sender(channel)
            sending = asyncio.create_task(self._sender.run(), name="sender")
            self._usable.set()
            backoff.reset()
            log.info("publisher.connected")
            try:
                await over
            finally:
                sending.cancel()
                self._usable.clear()  # a cancellation comes without `_end_session`
                self._connection = self._sender = self._over = None
        self._reason = "the connection was lost"

    def _end_session(self) -> None:
        if self._over is not None and not self._over.done():
            self._sender = None
            self._usable.clear()
            self._over.set_result(None)
