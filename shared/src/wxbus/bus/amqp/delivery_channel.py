"""A channel that reads deliveries from the stream, and writes acknowledgements of one iteration of the loop at once."""

import asyncio
import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from aiormq import Channel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelInvalidStateError

from wxbus.bus.amqp.aiormq_internals import number_of
from wxbus.bus.amqp.frames import END, METHOD, Content, FrameStream

_DELIVER: Final = b"\x00\x3c\x00\x3c"
"""Class and method of `basic.deliver`."""
_ACK: Final = struct.Struct(">BHIHHQ?B")
"""A frame with `basic.ack`: type, channel, size, class, method, tag, multiple, end."""
_ACK_SIZE: Final = 13

Consumer: TypeAlias = Callable[[int, bool, bytes, bytes], None]
"""Receives the tag of a delivery, whether it is a redelivery, its encoded properties and its body."""


class DeliveryReader:
    """Passes the deliveries of a channel to its consumer; implements `ChannelReader`."""

    __slots__ = ("_consumer", "_content", "_redelivered", "_tag")

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._content: Content | None = None
        self._tag = 0
        self._redelivered = False

    def take(self, kind: int, data: bytes, start: int, end: int) -> bool:
        """Read a frame if it belongs to a delivery."""
        if kind == METHOD:
            if data[start : start + 4] != _DELIVER:
                return False
            at = start + 5 + data[start + 4]
            self._tag = int.from_bytes(data[at : at + 8], "big")
            self._redelivered = bool(data[at + 8] & 1)
            self._content = Content()
            return True
        content = self._content
        if content is None:
            return False
        if content.add(kind, data, start, end):
            self._content = None
            body = content.body[0] if len(content.body) == 1 else b"".join(content.body)
            self._consumer(self._tag, self._redelivered, content.properties, body)
        return True


class DeliveryChannel:
    """A channel with one consumer."""

    def __init__(self, channel: Channel, stream: FrameStream) -> None:
        """`stream` is that of the channel's connection."""
        self._channel = channel
        self._stream = stream
        self._number = number_of(channel)
        self._acknowledgements = Acknowledgements(self._write)

    async def consume(self, queue: str, consumer: Consumer, *, prefetch: int) -> None:
        """Pass the deliveries of `queue` to `consumer`."""
        self._channel.closing.add_done_callback(lambda _: self._stream.unregister(self._number))
        self._stream.register(self._number, DeliveryReader(consumer))
        await self._channel.basic_qos(prefetch_count=prefetch)
        await self._channel.basic_consume(queue, _unexpected)

    def acknowledge(self, tag: int) -> None:
        """Acknowledge a delivery at the end of this iteration of the loop.

        Raises:
            ChannelInvalidStateError: The channel is closed.
        """
        if self._channel.is_closed:
            raise ChannelInvalidStateError("the channel is closed")
        self._acknowledgements.add(tag)

    async def close(self) -> None:
        """Write pending acknowledgements and close the channel: unacknowledged messages return in order."""
        self._acknowledgements.flush()
        self._stream.flush()
        await self._channel.close()

    def _write(self, tag: int, multiple: bool) -> None:
        if not self._channel.is_closed:
            self._stream.write(acknowledgement(self._number, tag, multiple=multiple))


def acknowledgement(channel: int, tag: int, *, multiple: bool) -> bytes:
    """Return the frame of an acknowledgement."""
    return _ACK.pack(METHOD, channel, _ACK_SIZE, 60, 80, tag, multiple, END)


class Acknowledgements:
    """Combines the acknowledgements of one channel in one iteration of the loop.

    `multiple` acknowledges all deliveries up to a tag, so it is used only if all of them are done.
    """

    def __init__(self, write: Callable[[int, bool], None]) -> None:
        """`write` takes a tag and the flag `multiple`."""
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._first_open = 1
        """The lowest tag that is not done."""
        self._done: set[int] = set()
        """Tags above it that are done."""
        self._new: list[int] = []

    def add(self, tag: int) -> None:
        """Acknowledge a tag with the next flush."""
        if not self._new:
            self._loop.call_soon(self.flush)
        self._new.append(tag)

    def flush(self) -> None:
        """Write the added acknowledgements."""
        new, self._new = self._new, []
        self._done.update(new)
        first, done = self._first_open, self._done
        while self._first_open in done:
            done.remove(self._first_open)
            self._first_open += 1
        whole = [tag for tag in new if first <= tag < self._first_open]
        if whole:
            self._write(max(whole), len(whole) > 1)
        for tag in new:
            if tag >= self._first_open:
                self._write(tag, False)


async def _unexpected(message: DeliveredMessage) -> None:
    raise RuntimeError(f"delivery {message.delivery_tag} did not go to its consumer")
