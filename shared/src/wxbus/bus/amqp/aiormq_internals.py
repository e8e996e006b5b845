"""All undocumented parts of aiormq that wxbus uses: publishing with confirms, with little work per message.

`Channel.basic_publish` makes frame objects, takes a lock and queues each message separately: measured, a quarter of
the CPU of a callback. Here frames are bytes, and all messages of one iteration of the event loop are queued together.
Confirms and returns stay with aiormq, which keeps a future per delivery tag.

`shared/pyproject.toml` pins aiormq to the minor version `VERSION`. `tests/contract/test_aiormq_internals.py` checks
that the names in `NAMES` exist, so an upgrade that removes one fails there.
"""

import asyncio
import struct
from collections.abc import Mapping
from typing import Any, Final

import pamqp.frame
from aiormq import Channel
from aiormq.abc import ChannelFrame
from pamqp import commands, constants

VERSION: Final = "7.2"
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "Channel": (
        "confirmations",
        "connection",
        "delivery_tag",
        "max_content_size",
        "message_id_delivery_tag",
        "number",
        "write_queue",
    ),
    "ChannelFrame": ("payload", "should_close"),
}
"""Attributes by class."""

TICK: Final = 0.001
"""Seconds: the resolution of the event loop's timers."""
_HEADER = struct.Struct(">BHIHHQ")
"""Frame type, channel, size of the payload; class, weight, size of the body."""
_BODY = struct.Struct(">BHI")
"""Frame type, channel, size of the payload."""
_HEADER_SIZE = 12
"""Bytes of a header's payload before its properties."""


def number_of(channel: Channel) -> int:
    """Return the number of a channel in the frames of its connection."""
    return channel.number


class ConfirmChannel:
    """Publishes on a channel with confirms; no other code may publish on it, because delivery tags are counted here."""

    def __init__(self, channel: Channel) -> None:
        """`run` must run while messages are published."""
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._timed_out: asyncio.Future[Any] = self._loop.create_future()
        """Replaces the future of a timed-out publish: aiormq logs a late confirm unless its future is cancelled."""
        self._timed_out.cancel()
        self._out: list[bytes] = []
        self._more = asyncio.Event()
        self._unconfirmed: dict[int, tuple[float, asyncio.Future[Any]]] = {}
        """By delivery tag: the time at which each publish fails, and its future."""
        self._timer: asyncio.TimerHandle | None = None
        channel.closing.add_done_callback(self._channel_closed)
        self._methods: dict[tuple[str, str], bytes] = {}
        """Encoded `Basic.Publish` by exchange and routing key; mandatory ones only."""

    @property
    def is_closed(self) -> bool:
        """Whether the channel is closed."""
        return self._channel.is_closed

    @property
    def closing(self) -> asyncio.Future[Any]:
        """Return a new future that ends when the channel is closed; cancel it after use."""
        return self._channel.closing

    async def until_unblocked(self) -> None:
        """Return when RabbitMQ does not block publishers because of an alarm; aio-pika has no event for it."""
        await self._channel.connection.ready()

    async def publish(
        self,
        exchange: str,
        routing_key: str,
        message_id: str,
        properties: bytes,
        body: bytes,
        *,
        by: float,
        mandatory: bool = True,
    ) -> None:
        """Publish and return when the message is confirmed; raises TimeoutError at the loop's time `by`.

        `properties` are encoded and contain `message_id`, which must be unique among unconfirmed messages. A message
        that is not `mandatory` is confirmed even if no queue gets it.

        Raises:
            AMQPError: As `Channel.basic_publish`.
        """
        channel = self._channel
        number, limit, end = channel.number, channel.max_content_size, constants.FRAME_END_CHAR
        if mandatory:
            method = self._methods.get((exchange, routing_key)) or self._method(exchange, routing_key)
        else:  # a direct reply: the routing key is different each time
            method = self._publish(exchange, routing_key, mandatory=False)
        size = _HEADER_SIZE + len(properties)
        header = _HEADER.pack(constants.FRAME_HEADER, number, size, commands.Basic.frame_id, 0, len(body))
        frames = [method, header, properties, end]
        for start in range(0, len(body), limit):
            part = body[start : start + limit]
            frames += (_BODY.pack(constants.FRAME_BODY, number, len(part)), part, end)
        confirmation: asyncio.Future[Any] = self._loop.create_future()
        channel.delivery_tag = tag = channel.delivery_tag + 1
        channel.confirmations[tag] = confirmation
        channel.message_id_delivery_tag[message_id] = tag
        self._out += frames
        self._more.set()
        self._unconfirmed[tag] = (by, confirmation)
        self._check_by(by)
        try:
            await confirmation
        finally:
            del self._unconfirmed[tag]
            tags = channel.message_id_delivery_tag
            if tags.get(message_id) == tag:  # it may be published again meanwhile
                del tags[message_id]

    async def run(self) -> None:
        """Write published messages to the connection, until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            payload = b"".join(self._out)
            self._out.clear()
            await self._channel.write_queue.put(ChannelFrame(payload, should_close=False))

    def _check_by(self, by: float) -> None:
        """Check the unconfirmed messages at this time; one timer serves many, because most are confirmed soon."""
        if self._timer is not None:
            if self._timer.when() <= by:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(by, self._check)

    def _check(self) -> None:
        """Fail the messages whose time is over."""
        self._timer = None
        now = self._loop.time() + TICK
        for tag, (by, confirmation) in self._unconfirmed.items():
            if by <= now and not confirmation.done():
                confirmation.set_exception(TimeoutError())
                self._channel.confirmations[tag] = self._timed_out
        left = [by for by, confirmation in self._unconfirmed.values() if not confirmation.done()]
        if left:
            self._check_by(min(left))

    def _channel_closed(self, closing: "asyncio.Future[Any]") -> None:
        """Fail all unconfirmed messages."""
        if self._timer is not None:
            self._timer.cancel()
        reason = None if closing.cancelled() else closing.exception()
        for _, confirmation in self._unconfirmed.values():
            if not confirmation.done():
                confirmation.set_exception(reason or ConnectionResetError("the channel was closed"))

    def _method(self, exchange: str, routing_key: str) -> bytes:
        self._methods[exchange, routing_key] = frame = self._publish(exchange, routing_key, mandatory=True)
        return frame

    def _publish(self, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
        publish = commands.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
        return pamqp.frame.marshal(publish, self._channel.number)
