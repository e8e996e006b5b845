"""The outlet over RabbitMQ: every call returns after the broker's confirm, or raises `BrokerUnavailable`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import structlog
from aiormq import Channel
from aiormq.abc import AbstractConnection, DeliveredMessage
from aiormq.exceptions import PublishError
from pamqp.commands import Basic

from wxbus.aio.backoff import Backoff
from wxbus.bus import wire
from wxbus.bus.connection import BrokerCall, address, connected
from wxbus.bus.declare import declare
from wxbus.bus.envelope import Envelope, new_id
from wxbus.bus.intake import PartitionDelivery
from wxbus.bus.passive_answer import REPLY_TO, PassiveAnswer
from wxbus.bus.ports import Death, Delivery, PassiveAnswerHandler
from wxbus.bus.sender import Sender
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, UnreadableEnvelope, WxbusError

WINDOW = 50
"""Publishes in flight at once: more only add latency (RabbitMQ and Redis reference 5)."""
BLOCKED_AFTER = 0.05
"""Seconds after which a connection that is not ready counts as blocked by an alarm."""

log = structlog.stdlib.get_logger(__name__)


class Publisher:
    """A connection for publishing alone, made again whenever it is lost."""

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
        self._url = address(url, name=f"{name}:publish")
        self._topology = topology
        self._window = asyncio.Semaphore(window)
        self._inbox = topology.inbox.name
        self._dead = topology.dead.name
        self.connections = 0
        """How many were made so far: another one means that RabbitMQ was away."""
        self._answers = answers
        self._sender: Sender | None = None
        self._connection: AbstractConnection | None = None
        self._usable = asyncio.Event()
        self._over: asyncio.Future[None] | None = None
        self._reason = "not connected yet"

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
        """Yield a publisher; it connects by itself, now and after every loss, so the broker may come later than we.

        Without `answers`, nothing may be published with `reply_to=REPLY_TO`.
        """
        publisher = cls(url, topology, name=name, window=window, answers=answers)
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
            with BrokerCall("RabbitMQ"):
                async with asyncio.timeout(BLOCKED_AFTER):
                    await self._connection.ready()
        except BrokerUnavailable as exc:
            if isinstance(exc.__cause__, TimeoutError):
                raise BrokerUnavailable("RabbitMQ blocks publishers: memory or disk alarm") from exc
            raise

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

    async def probe(self, *, budget: float) -> None:
        """Publish something that goes nowhere; returns when RabbitMQ has confirmed it, or raises BrokerUnavailable."""
        message_id = new_id()
        properties = Basic.Properties(message_id=message_id).marshal()
        await self._send("", f"{self._inbox}.nowhere", message_id, properties, b"", budget, mandatory=False)

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Put it into the partition of its lane; returns when RabbitMQ has it on disk."""
        key = self._key(envelope.lane)
        await self._send(self._inbox, key, envelope.id, wire.encode_properties(envelope), envelope.body, budget)

    async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Put it into the retry queue of `delay`, from which it comes back to the partition of its lane."""
        exchange, key = self._topology.retry(delay).name, self._key(envelope.lane)
        await self._send(exchange, key, envelope.id, wire.encode_properties(envelope), envelope.body, budget)

    async def dead_letter(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Copy it as it came, readable or not, to the dead letters."""
        if not isinstance(delivery, PartitionDelivery):
            raise TypeError(f"{type(delivery).__name__} did not come out of a queue")
        message = delivery.message
        properties = wire.to_dead_properties(message, death)
        properties.message_id = properties.message_id or new_id()  # a return is known by it
        key = self._key(delivery.lane)
        await self._send(self._dead, key, properties.message_id, properties.marshal(), message.body, budget)

    async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
        """Answer whoever waits for it at the envelope's `reply_to`; at most once, they may be gone or not hear it."""
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
            # `asyncio.timeout` costs as much as the publish itself: it is only for those who have to wait.
            if self._window.locked():
                async with asyncio.timeout_at(by):
                    await self._window.acquire()
            else:
                await self._window.acquire()
            try:
                sender = self._sender
                if sender is None or sender.is_closed:
                    async with asyncio.timeout_at(by):
                        sender = await self._next_sender()
                await sender.publish(exchange, routing_key, message_id, properties, body, by=by, mandatory=mandatory)
            except PublishError:
                # A queue or binding was deleted under us: a new session declares it again.
                self._end_session()
                raise
            finally:
                self._window.release()

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
                if self._answers is not None:
                    await channel.basic_consume(REPLY_TO, partial(_hand_on, self._answers), no_ack=True)
            over = self._over = asyncio.get_running_loop().create_future()
            channel.closing.add_done_callback(lambda _: self._end_session())
            self._connection, self._sender = connection, Sender(channel)
            self.connections += 1
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
                if self._answers is not None:
                    self._answers.lost()
        self._reason = "the connection was lost"

    def _end_session(self) -> None:
        if self._over is not None and not self._over.done():
            self._sender = None
            self._usable.clear()
            self._over.set_result(None)


async def _hand_on(answers: PassiveAnswerHandler, message: DeliveredMessage) -> None:
    try:
        answer = PassiveAnswer.parse(message.body)
    except UnreadableEnvelope as exc:  # whoever knows our channel's name may write to it
        log.warning("answer.unreadable", reason=str(exc))
    else:
        answers.answered(message.header.properties.correlation_id or "", answer)
