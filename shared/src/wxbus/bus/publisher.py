"""Publishes to RabbitMQ: every call returns after the confirm, or raises `BrokerUnavailable`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from wxbus.bus import wire
from wxbus.bus.amqp.confirm_channel import ConfirmChannel, Unroutable
from wxbus.bus.amqp.connection import BrokerCall, open_channel, stream_of
from wxbus.bus.amqp.declare import declare
from wxbus.bus.amqp.session import Session
from wxbus.bus.delivery import ReceivedDelivery
from wxbus.bus.envelope import Envelope, new_id
from wxbus.bus.passive_answer import REPLY_TO, PassiveAnswer
from wxbus.bus.ports import Death, Delivery, PassiveAnswerHandler
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, UnreadableEnvelope

WINDOW = 200
"""Maximum number of unconfirmed publishes; above the usual connections of a process, as each wait costs a timer."""
BLOCKED_AFTER = 0.05
"""Seconds after which a connection that is not ready counts as blocked by an alarm."""

log = structlog.stdlib.get_logger(__name__)


class Publisher:
    """Publishes on a connection of its own; implements `wxbus.bus.ports.PublisherPort`."""

    def __init__(
        self,
        url: str,
        topology: Topology,
        *,
        name: str,
        window: int = WINDOW,
        answers: PassiveAnswerHandler | None = None,
    ) -> None:
        """Use `open`, which also keeps the connection."""
        self._session = Session(url, self._set_up, name=f"{name}:publish")
        self._topology = topology
        self._window = asyncio.Semaphore(window)
        self._inbox = topology.inbox.name
        self._dead = topology.dead.name
        self._answers = answers

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        topology: Topology,
        *,
        name: str,
        window: int = WINDOW,
        answers: PassiveAnswerHandler | None = None,
    ) -> AsyncIterator["Publisher"]:
        """Yield a publisher, which connects now and after every loss; RabbitMQ may start later.

        Without `answers`, no envelope may be published with `reply_to=REPLY_TO`.
        """
        publisher = cls(url, topology, name=name, window=window, answers=answers)
        async with publisher._session.running():
            yield publisher

    @property
    def connections(self) -> int:
        """Return the number of connections so far; a new one means that RabbitMQ was unavailable."""
        return self._session.connections

    async def check(self) -> None:
        """Return if a publish would be sent now.

        Raises:
            BrokerUnavailable: Not connected, or RabbitMQ blocks publishers because of an alarm (memory, disk).
        """
        channel = self._session.current()
        try:
            with BrokerCall("RabbitMQ"):
                async with asyncio.timeout(BLOCKED_AFTER):
                    await channel.until_unblocked()
        except BrokerUnavailable as exc:
            if isinstance(exc.__cause__, TimeoutError):
                raise BrokerUnavailable("RabbitMQ blocks publishers: memory or disk alarm") from exc
            raise

    async def until_usable(self) -> None:
        """Return when a publish would be sent at once: connected, and not blocked by an alarm."""
        while True:
            channel = await self._next_channel()
            unblocked, closing = asyncio.ensure_future(channel.until_unblocked()), channel.closing
            try:
                await asyncio.wait({unblocked, closing}, return_when=asyncio.FIRST_COMPLETED)
                if not closing.done():
                    return
            finally:
                unblocked.cancel()
                closing.cancel()

    async def probe(self, *, budget: float) -> None:
        """Publish a message that is routed to no queue; returns after the confirm, or raises BrokerUnavailable."""
        message_id = new_id()
        properties = Basic.Properties(message_id=message_id).marshal()
        await self._send("", f"{self._inbox}.nowhere", message_id, properties, b"", budget, mandatory=False)

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Publish an envelope to the partition of its lane; returns when RabbitMQ has it on disk."""
        key = self._key(envelope.lane)
        await self._send(self._inbox, key, envelope.id, wire.encode_properties(envelope), envelope.body, budget)

    async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Publish an envelope to the retry queue of `delay`, from which it returns to the partition of its lane."""
        exchange, key = self._topology.retry(delay).name, self._key(envelope.lane)
        await self._send(exchange, key, envelope.id, wire.encode_properties(envelope), envelope.body, budget)

    async def dead_letter(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Publish an unchanged copy, readable or not, to the dead letters."""
        if not isinstance(delivery, ReceivedDelivery):
            raise TypeError(f"{type(delivery).__name__} does not come from a queue")
        message = delivery.message
        properties = wire.to_dead_properties(message, death)
        properties.message_id = properties.message_id or new_id()  # returned messages are matched by it
        key = self._key(delivery.lane)
        await self._send(self._dead, key, properties.message_id, properties.marshal(), message.body, budget)

    async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
        """Send an answer to the envelope's `reply_to`; it is delivered at most once."""
        if envelope.reply_to is None:
            raise ValueError("the envelope has no reply_to")
        message_id = new_id()
        properties = Basic.Properties(
            message_id=message_id, correlation_id=envelope.correlation_id, content_type=wire.CONTENT_TYPE
        )
        # A mandatory direct reply is delivered and returned as unroutable as well (RabbitMQ and Redis reference 6).
        await self._send(
            "", envelope.reply_to, message_id, properties.marshal(), answer.to_bytes(), budget, mandatory=False
        )

    def _key(self, lane: str) -> str:
        return str(self._topology.partition_of(lane))

    async def _send(
        self,
        exchange: str,
        routing_key: str,
        message_id: str,
        properties: bytes,
        body: bytes,
        budget: float,
        *,
        mandatory: bool = True,
    ) -> None:
        by = asyncio.get_running_loop().time() + budget
        with BrokerCall("publishing"):
            # `asyncio.timeout` costs as much CPU as the publish itself: use it only to wait.
            if self._window.locked():
                async with asyncio.timeout_at(by):
                    await self._window.acquire()
            else:
                await self._window.acquire()
            try:
                channel = self._session.state
                if channel is None or channel.is_closed:
                    async with asyncio.timeout_at(by):
                        channel = await self._next_channel()
                await channel.publish(exchange, routing_key, message_id, properties, body, by=by, mandatory=mandatory)
            except Unroutable:
                # A queue or binding was deleted: the next connection declares it again.
                self._session.end("a queue or binding is missing")
                raise
            finally:
                self._window.release()

    async def _next_channel(self) -> ConfirmChannel:
        """Return the next open channel; the end of a closed one may not be processed yet."""
        channel = await self._session.ready()
        while channel.is_closed:
            self._session.end("its channel was closed")
            channel = await self._session.ready()
        return channel

    @asynccontextmanager
    async def _set_up(self, connection: AbstractConnection) -> AsyncIterator[ConfirmChannel]:
        await declare(connection, self._topology)
        with BrokerCall("opening a channel"):
            underlay = await open_channel(connection, confirms=True, on_lost=self._session.end)
            if self._answers is not None:
                await underlay.basic_consume(REPLY_TO, partial(_deliver, self._answers), no_ack=True)
        try:
            yield ConfirmChannel(underlay, stream_of(connection))
        finally:
            if self._answers is not None:
                self._answers.lost()


async def _deliver(answers: PassiveAnswerHandler, message: DeliveredMessage) -> None:
    try:
        answer = PassiveAnswer.parse(message.body)
    except UnreadableEnvelope as exc:  # any client that knows the name of our channel can publish to it
        log.warning("answer.unreadable", reason=str(exc))
    else:
        answers.answered(message.header.properties.correlation_id or "", answer)
