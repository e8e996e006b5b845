"""Publishing on a channel of aiormq with little work for each message.

`Channel.basic_publish` makes frame objects, takes a lock, puts each message into the connection's queue by itself, and
its futures drag three callbacks along; measured, that was a quarter of what a callback cost. Here frames are bytes, and
all that was published in one turn of the event loop goes into the queue together. Confirms and returns stay with aiormq,
which settles the future of each delivery tag.
"""

import asyncio
import struct
from typing import Any

import pamqp.frame
from aiormq import Channel
from aiormq.abc import ChannelFrame
from aiormq.exceptions import ChannelInvalidStateError
from pamqp import commands, constants

_HEADER = struct.Struct(">BHIHHQ")
"""Frame type, channel, size of what follows; class, weight, size of the body."""
_BODY = struct.Struct(">BHI")
"""Frame type, channel, size of what follows."""
_HEADER_SIZE = 12
"""Bytes of a header's payload before its properties."""


class Sender:
    """The only publisher of its channel: tags are counted here."""

    def __init__(self, channel: Channel) -> None:
        """`channel` has confirms; `run` must run while messages are published."""
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        channel.closing.add_done_callback(self._fail)
        self._out: list[bytes] = []
        self._more = asyncio.Event()
        self._methods: dict[tuple[str, str], bytes] = {}
        """Of exchange and routing key, all of them mandatory."""

    @property
    def is_closed(self) -> bool:
        """Whether the channel has ended, so that nothing can be published on it any more."""
        return self._channel.is_closed

    def publish(
        self,
        exchange: str,
        routing_key: str,
        message_id: str,
        properties: bytes,
        body: bytes,
        *,
        mandatory: bool = True,
    ) -> "tuple[int, asyncio.Future[Any]]":
        """Publish; return the delivery tag and what ends with the confirm, or raises as `basic_publish`.

        `properties` are encoded, with `message_id` in them: it must be unique among those that are waited for. What is
        not `mandatory` is confirmed even if there is no queue for it.
        """
        channel = self._channel
        number, limit, end = channel.number, channel.max_content_size, constants.FRAME_END_CHAR
        if mandatory:
            method = self._methods.get((exchange, routing_key)) or self._method(exchange, routing_key)
        else:  # to somebody who waits, and is another one each time
            method = self._publish(exchange, routing_key, mandatory=False)
        size = _HEADER_SIZE + len(properties)
        header = _HEADER.pack(constants.FRAME_HEADER, number, size, commands.Basic.frame_id, 0, len(body))
        frames = [method, header, properties, end]
        for start in range(0, len(body), limit):
            part = body[start : start + limit]
            frames += (_BODY.pack(constants.FRAME_BODY, number, len(part)), part, end)
        confirmation = self._loop.create_future()
        channel.delivery_tag = tag = channel.delivery_tag + 1
        channel.confirmations[tag] = confirmation
        channel.message_id_delivery_tag[message_id] = tag
        self._out += frames
        self._more.set()
        return tag, confirmation

    def forget(self, message_id: str, tag: int) -> None:
        """Nobody waits for the confirm of this message any more."""
        tags = self._channel.message_id_delivery_tag
        if tags.get(message_id) == tag:  # it may have been published again
            del tags[message_id]

    async def run(self) -> None:
        """Hand on what is published, for as long as the channel is there."""
        while True:
            await self._more.wait()
            self._more.clear()
            payload = b"".join(self._out)
            self._out.clear()
            await self._channel.write_queue.put(ChannelFrame(payload, should_close=False))

    def _fail(self, closing: "asyncio.Future[Any]") -> None:
        """The channel has ended: whether what is not confirmed arrived nobody knows."""
        cause = None if closing.cancelled() else closing.exception()
        for confirmation in self._channel.confirmations.values():
            if not confirmation.done():
                confirmation.set_exception(cause or ChannelInvalidStateError("the channel is closed"))

    def _method(self, exchange: str, routing_key: str) -> bytes:
        self._methods[exchange, routing_key] = frame = self._publish(exchange, routing_key, mandatory=True)
        return frame

    def _publish(self, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
        publish = commands.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
        return pamqp.frame.marshal(publish, self._channel.number)
