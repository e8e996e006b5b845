"""Takes deliveries out of the stream of a connection, and writes acknowledgements into it.

aiormq reads three frames of a delivery in nine steps, decodes each into objects, and starts a task for it: measured, a
sixth of the worker's CPU. Here the bytes of a connection are cut into frames first. Deliveries of registered channels
go to their consumers; all other frames go to aiormq as they came (decision 0023).
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

_HEADER: Final = struct.Struct(">BHI")
"""Frame type, channel, size of the payload."""
_METHOD, _CONTENT_HEADER, _BODY = 1, 2, 3
_DELIVER: Final = b"\x00\x3c\x00\x3c"
"""Class and method of `basic.deliver`."""
_ACK: Final = struct.Struct(">BHIHHQ?B")
"""A frame with `basic.ack`: type, channel, size, class, method, tag, multiple, end."""
_ACK_SIZE: Final = 13
_HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"
_END: Final = 0xCE
HEARTBEAT_EVERY: Final = 1.0
"""Seconds after which aiormq is informed that the peer is alive, because it gets no frames."""

Consumer: TypeAlias = Callable[[int, bool, bytes, bytes], None]
"""Takes the tag of a delivery, whether it is a redelivery, its encoded properties and its body."""


class _Delivery:
    """A delivery whose frames have not all arrived."""

    __slots__ = ("body", "left", "properties", "redelivered", "tag")

    def __init__(self, method: bytes) -> None:
        at = 5 + method[4]
        self.tag = int.from_bytes(method[at : at + 8], "big")
        self.redelivered = bool(method[at + 8] & 1)
        self.properties = b""
        self.body: list[bytes] = []
        self.left = -1
        """Bytes of the body that are missing; -1: the content header is missing."""


class DeliveryStream(asyncio.Protocol):
    """The protocol of one connection, in front of aiormq's."""

    def __init__(self, transport: asyncio.Transport, inner: asyncio.Protocol) -> None:
        """Take the place of `inner` on `transport`."""
        self._transport = transport
        self._inner = inner
        self._loop = asyncio.get_running_loop()
        self._consumers: dict[int, Consumer] = {}
        self._partial: dict[int, _Delivery] = {}
        self._rest = b""
        self._out: list[bytes] = []
        self._told = self._loop.time()
        transport.set_protocol(self)

    def register(self, channel: int, consumer: Consumer) -> None:
        """Give the deliveries of a channel to `consumer` from now on."""
        self._consumers[channel] = consumer

    def unregister(self, channel: int) -> None:
        """Give the frames of a channel to aiormq; its number may be used again."""
        self._consumers.pop(channel, None)
        self._partial.pop(channel, None)

    def acknowledge(self, channel: int, tag: int, *, multiple: bool) -> None:
        """Write an acknowledgement with the next flush, which follows soon; the channel must be open."""
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(_ACK.pack(_METHOD, channel, _ACK_SIZE, 60, 80, tag, multiple, _END))

    def flush(self) -> None:
        """Write all acknowledgements."""
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames."""
        if self._rest:
            data = self._rest + data
        start = at = 0
        others: list[bytes] = []
        end, consumers = len(data), self._consumers
        while at + 7 < end:
            kind, channel, size = _HEADER.unpack_from(data, at)
            after = at + size + 8
            if after > end:
                break
            if channel in consumers and self._take(kind, channel, data, at + 7, after - 1):
                if start < at:
                    others.append(data[start:at])
                start = after
            at = after
        if start < at:
            others.append(data[start:at])
        self._rest = data[at:]
        if others:
            self._told = self._loop.time()
            self._inner.data_received(b"".join(others))
        elif self._loop.time() - self._told > HEARTBEAT_EVERY:
            self._told = self._loop.time()
            self._inner.data_received(_HEARTBEAT)

    def _take(self, kind: int, channel: int, data: bytes, start: int, end: int) -> bool:
        """Take a frame if it belongs to a delivery."""
        if kind == _METHOD:
            if data[start : start + 4] != _DELIVER:
                return False
            self._partial[channel] = _Delivery(data[start:end])
            return True
        delivery = self._partial.get(channel)
        if delivery is None:
            return False
        if kind == _CONTENT_HEADER:
            delivery.left = int.from_bytes(data[start + 4 : start + 12], "big")
            delivery.properties = data[start + 12 : end]
        elif kind == _BODY:
            delivery.body.append(data[start:end])
            delivery.left -= end - start
        if not delivery.left:
            del self._partial[channel]
            body = delivery.body[0] if len(delivery.body) == 1 else b"".join(delivery.body)
            self._consumers[channel](delivery.tag, delivery.redelivered, delivery.properties, body)
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Not called: the connection existed before."""

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()


class DeliveryTransport(TransportFactory):
    """Connects as aiormq does, with a `DeliveryStream`."""

    def __init__(self) -> None:
        self.stream: DeliveryStream | None = None
        """Of the connection."""

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return reader and writer of a new connection."""
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        self.stream = DeliveryStream(writer.transport, writer.transport.get_protocol())  # type: ignore[arg-type]
        return reader, writer
