"""A channel that gets deliveries from the stream, and writes acknowledgements of one iteration of the loop at once."""

import asyncio
from collections.abc import Callable

from aiormq import Channel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelInvalidStateError

from wxbus.bus.amqp.aiormq_internals import number_of
from wxbus.bus.amqp.deliveries import Consumer, DeliveryStream


class DeliveryChannel:
    """A channel with one consumer."""

    def __init__(self, channel: Channel, stream: DeliveryStream) -> None:
        """`stream` is that of the channel's connection."""
        self._channel = channel
        self._stream = stream
        self._number = number_of(channel)
        self._acknowledgements = Acknowledgements(self._write)

    async def consume(self, queue: str, consumer: Consumer, *, prefetch: int) -> None:
        """Give the deliveries of `queue` to `consumer`."""
        self._channel.closing.add_done_callback(lambda _: self._stream.unregister(self._number))
        self._stream.register(self._number, consumer)
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
        """Write what is acknowledged and close the channel: unacknowledged messages return in order."""
        self._acknowledgements.flush()
        self._stream.flush()
        await self._channel.close()

    def _write(self, tag: int, multiple: bool) -> None:
        if not self._channel.is_closed:
            self._stream.acknowledge(self._number, tag, multiple=multiple)


class Acknowledgements:
    """Joins the acknowledgements of one channel that come in one iteration of the loop.

    `multiple` acknowledges all deliveries up to a tag, so it is used only where all of these are done.
    """

    def __init__(self, write: Callable[[int, bool], None]) -> None:
        """`write` takes a tag, and whether it stands for those before, too."""
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
        """Write what was added."""
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
