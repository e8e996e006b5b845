"""A channel that publishes with confirms: one write for all messages of an iteration of the loop, no task for confirms.

aiormq's `Channel.basic_publish` makes frame objects, takes a lock and queues each message separately, and reads each
confirm through two queues: measured, a third of the CPU of a callback.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any, Final

import pamqp.frame
from aiormq import Channel
from aiormq.exceptions import AMQPError
from pamqp.commands import Basic

from wxbus.bus.amqp.aiormq_internals import content_limit, number_of, until_unblocked
from wxbus.bus.amqp.frames import BODY, CONTENT_HEADER, END, HEADER, METHOD, Content, FrameStream
from wxbus.bus.properties import decode_properties

TICK: Final = 0.001
"""Seconds: the resolution of the event loop's timers."""
_ACK: Final = b"\x00\x3c\x00\x50"
"""Class and method of `basic.ack`; tag and flags follow."""
_NACK: Final = b"\x00\x3c\x00\x78"
_RETURN: Final = b"\x00\x3c\x00\x32"
_CONTENT: Final = struct.Struct(">BHIHHQ")
"""A frame with a content header: type, channel, size of the payload; class, weight, size of the body."""
_CONTENT_SIZE: Final = 12
"""Bytes of a content header before its properties."""
_END: Final = bytes([END])


class Unroutable(AMQPError):
    """No queue is bound for a message."""


class Refused(AMQPError):
    """RabbitMQ refused a message."""


@dataclass(slots=True)
class _Unconfirmed:
    message_id: str
    by: float
    """The loop's time at which the publish fails."""
    confirmation: asyncio.Future[None]


class ConfirmChannel:
    """Publishes on a channel with confirms; no other code may publish on it, because delivery tags are counted here."""

    def __init__(self, channel: Channel, stream: FrameStream) -> None:
        """`stream` is that of the channel's connection."""
        self._channel = channel
        self._stream = stream
        self._number = number_of(channel)
        self._limit = content_limit(channel)
        self._loop = asyncio.get_running_loop()
        self._last_tag = 0
        self._unconfirmed: dict[int, _Unconfirmed] = {}
        """By delivery tag, in their order."""
        self._returned: Content | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._methods: dict[tuple[str, str], bytes] = {}
        """Encoded `basic.publish` by exchange and routing key; mandatory ones only."""
        stream.register(self._number, self)
        channel.closing.add_done_callback(self._channel_closed)

    @property
    def is_closed(self) -> bool:
        """Whether the channel is closed."""
        return self._channel.is_closed

    @property
    def closing(self) -> "asyncio.Future[Any]":
        """Return a new future that ends when the channel is closed; cancel it after use."""
        return self._channel.closing

    async def until_unblocked(self) -> None:
        """Return when RabbitMQ does not block publishers because of an alarm."""
        await until_unblocked(self._channel)

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
        """Publish and return when the message is confirmed.

        Args:
            exchange: Its name.
            routing_key: Selects the queue.
            message_id: The id in `properties`, unique among unconfirmed messages.
            properties: Encoded.
            body: Its bytes.
            by: The loop's time at which the publish fails.
            mandatory: False: RabbitMQ also confirms a message that it routes to no queue.

        Raises:
            TimeoutError: No confirm before `by`.
            Unroutable: No queue is bound for it.
            Refused: RabbitMQ refused it.
            AMQPError, ConnectionError: The channel was closed.
        """
        if mandatory:
            method = self._methods.get((exchange, routing_key)) or self._method(exchange, routing_key)
        else:  # a direct reply: the routing key is different each time
            method = self._publish(exchange, routing_key, mandatory=False)
        number, size = self._number, _CONTENT_SIZE + len(properties)
        header = _CONTENT.pack(CONTENT_HEADER, number, size, Basic.frame_id, 0, len(body))
        if 0 < len(body) <= self._limit:
            frame = HEADER.pack(BODY, number, len(body))
            self._stream.write(method, header, properties, _END, frame, body, _END)
        else:
            self._stream.write(method, header, properties, _END, *self._body_frames(body))
        confirmation: asyncio.Future[None] = self._loop.create_future()
        self._last_tag = tag = self._last_tag + 1
        self._unconfirmed[tag] = _Unconfirmed(message_id, by, confirmation)
        self._check_by(by)
        try:
            await confirmation
        finally:
            self._unconfirmed.pop(tag, None)

    def take(self, kind: int, data: bytes, start: int, end: int) -> bool:
        """Read a frame if it is a confirm, or part of a returned message (see `ChannelReader`)."""
        if kind == METHOD:
            method = data[start : start + 4]
            if method in (_ACK, _NACK):
                tag, flags = int.from_bytes(data[start + 4 : start + 12], "big"), data[start + 12]
                self._confirmed(tag, multiple=bool(flags & 1), positive=method == _ACK)
            elif method == _RETURN:
                self._returned = Content()
            else:
                return False
            return True
        if self._returned is None:
            return False
        if self._returned.add(kind, data, start, end):
            properties, self._returned = self._returned.properties, None
            self._fail_returned(str(decode_properties(properties).get("message_id", "")))
        return True

    def _confirmed(self, tag: int, *, multiple: bool, positive: bool) -> None:
        """Settle a message, or all up to its tag; messages that timed out or were returned are settled already."""
        unconfirmed = self._unconfirmed
        tags = [tag]
        if multiple:
            tags = []
            for earlier in unconfirmed:
                if 0 < tag < earlier:  # 0: all of them
                    break
                tags.append(earlier)
        for confirmed_tag in tags:
            settled = unconfirmed.pop(confirmed_tag, None)
            if settled is None or settled.confirmation.done():
                continue
            if positive:
                settled.confirmation.set_result(None)
            else:
                settled.confirmation.set_exception(Refused("RabbitMQ refused it, the queue may be full"))

    def _fail_returned(self, message_id: str) -> None:
        """Fail a returned message; its confirm follows."""
        for tag, unconfirmed in self._unconfirmed.items():
            if unconfirmed.message_id == message_id and not unconfirmed.confirmation.done():
                unconfirmed.confirmation.set_exception(Unroutable("no queue is bound for it"))
                del self._unconfirmed[tag]
                return

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
        waiting = [message for message in self._unconfirmed.values() if not message.confirmation.done()]
        for message in waiting:
            if message.by <= now:
                message.confirmation.set_exception(TimeoutError())
        if left := [message.by for message in waiting if message.by > now]:
            self._check_by(min(left))

    def _channel_closed(self, closing: "asyncio.Future[Any]") -> None:
        """Fail all unconfirmed messages."""
        self._stream.unregister(self._number)
        if self._timer is not None:
            self._timer.cancel()
        reason = None if closing.cancelled() else closing.exception()
        for unconfirmed in self._unconfirmed.values():
            if not unconfirmed.confirmation.done():
                unconfirmed.confirmation.set_exception(reason or ConnectionResetError("the channel was closed"))

    def _method(self, exchange: str, routing_key: str) -> bytes:
        self._methods[exchange, routing_key] = frame = self._publish(exchange, routing_key, mandatory=True)
        return frame

    def _publish(self, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
        publish = Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
        return pamqp.frame.marshal(publish, self._number)

    def _body_frames(self, body: bytes) -> list[bytes]:
        """Return the parts of the frames of a body: none if it is empty."""
        parts: list[bytes] = []
        for start in range(0, len(body), self._limit):
            part = body[start : start + self._limit]
            parts += (HEADER.pack(BODY, self._number, len(part)), part, _END)
        return parts
