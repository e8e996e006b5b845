"""Cuts the stream of a connection into frames, in front of aiormq; hot paths read and write theirs here.

aiormq reads a frame in three steps, decodes it into objects and passes it through two queues; measured, that was a
sixth of the CPU of a worker's message, and as much of a callback's. Frames of registered channels go to their reader
first; all other frames go to aiormq unchanged (decision 0023).
"""

import asyncio
import struct
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, Protocol

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

METHOD: Final = 1
CONTENT_HEADER: Final = 2
BODY: Final = 3
END: Final = 0xCE
"""The last byte of each frame."""
HEADER: Final = struct.Struct(">BHI")
"""Frame type, channel, size of the payload."""
HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"
HEARTBEAT_INTERVAL: Final = 1.0
"""Seconds after which aiormq is informed that the peer is alive, because it gets no frames."""


class ChannelReader(Protocol):
    """Reads frames of one channel."""

    def take(self, kind: int, data: bytes, start: int, end: int) -> bool:
        """Read the frame whose payload is `data[start:end]`; return False to leave it to aiormq."""


class Content:
    """Properties and body of a message whose frames have not all arrived."""

    __slots__ = ("body", "left", "properties")

    def __init__(self) -> None:
        self.properties = b""
        """Encoded."""
        self.body: list[bytes] = []
        self.left = -1
        """Bytes of the body that are missing; -1: the content header is missing."""

    def add(self, kind: int, data: bytes, start: int, end: int) -> bool:
        """Add a frame; return whether the message is complete."""
        if kind == CONTENT_HEADER:
            self.left = int.from_bytes(data[start + 4 : start + 12], "big")
            self.properties = data[start + 12 : end]
        elif kind == BODY:
            self.body.append(data[start:end])
            self.left -= end - start
        return not self.left


class FrameStream(asyncio.Protocol):
    """The protocol of one connection, in front of aiormq's."""

    def __init__(
        self, transport: asyncio.Transport, inner: asyncio.Protocol, *, clock: Callable[[], float] = monotonic
    ) -> None:
        """Take the place of `inner` on `transport`."""
        self._transport = transport
        self._inner = inner
        self._loop = asyncio.get_running_loop()
        self._readers: dict[int, ChannelReader] = {}
        self._rest = b""
        self._out: list[bytes] = []
        self._clock = clock
        self._passed_at = clock()
        """When aiormq got its last frame."""
        transport.set_protocol(self)

    def register(self, channel: int, reader: ChannelReader) -> None:
        """Pass the frames of a channel to `reader` first, from now on."""
        self._readers[channel] = reader

    def unregister(self, channel: int) -> None:
        """Pass the frames of a channel to aiormq only; its number may be used again."""
        self._readers.pop(channel, None)

    def write(self, *parts: bytes) -> None:
        """Write whole frames, in `parts`, at the end of this iteration of the loop; their channel must be open."""
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out += parts

    def flush(self) -> None:
        """Write the collected frames."""
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames."""
        if self._rest:
            data = self._rest + data
        start = at = 0
        others: list[bytes] = []
        end, readers = len(data), self._readers
        while at + 7 < end:
            kind, channel, size = HEADER.unpack_from(data, at)
            after = at + size + 8
            if after > end:
                break
            if channel in readers and readers[channel].take(kind, data, at + 7, after - 1):
                if start < at:
                    others.append(data[start:at])
                start = after
            at = after
        if start < at:
            others.append(data[start:at])
        self._rest = data[at:]
        if others:
            self._passed_at = self._clock()
            self._inner.data_received(b"".join(others))
        elif self._clock() - self._passed_at > HEARTBEAT_INTERVAL:
            self._passed_at = self._clock()
            self._inner.data_received(HEARTBEAT)

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


class FrameTransport(TransportFactory):
    """Connects as aiormq does, with a `FrameStream`."""

    def __init__(self) -> None:
        self.stream: FrameStream | None = None
        """The stream of the connection."""

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return reader and writer of a new connection."""
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        self.stream = FrameStream(writer.transport, writer.transport.get_protocol())  # type: ignore[arg-type]
        return reader, writer
