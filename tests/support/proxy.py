"""A TCP proxy that loses connections the ways networks do, without touching the server behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from wxbus_local.servers.ports import free_port

CHUNK = 65_536


class Proxy:
    """Forwards bytes between its own port and a server."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._to_server = asyncio.Event()
        self._to_client = asyncio.Event()
        self.port = free_port()  # outside the range of local ports, so that it stays free while the proxy refuses
        self.accepted = 0
        """Connections accepted so far."""
        self._resetting = False
        self._reset = asyncio.Condition()
        self._resets = 0

    def lead_to(self, url: str) -> None:
        """Forward new connections to another server; existing ones stay."""
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)

    async def listen(self) -> None:
        """Accept connections, on the same port as before."""
        self.flow()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    @property
    def listening(self) -> bool:
        """Return whether the proxy accepts connections."""
        return self._server is not None

    def flow(self) -> None:
        """Forward in both directions again, including bytes held back."""
        self._resetting = False
        self._to_server.set()
        self._to_client.set()

    def blackhole(self) -> None:
        """Keep every connection open and forward nothing."""
        self._to_server.clear()
        self._to_client.clear()

    def hold_answers(self) -> None:
        """Forward requests and hold back answers."""
        self._to_client.clear()

    def inject(self, data: bytes) -> None:
        """Send bytes to every client, as if they came from the server."""
        for writer in self._clients:
            writer.write(data)

    def abort(self) -> None:
        """Reset every connection on both sides."""
        for writer in self._writers:
            writer.transport.abort()

    def reset(self) -> None:
        """Reset every connection, and each new one at once; `flow` ends that."""
        self._resetting = True
        self.abort()

    async def until_reset(self, count: int) -> None:
        """Return once `count` more connections were accepted and reset."""
        async with self._reset:
            wanted = self._resets + count
            await self._reset.wait_for(lambda: self._resets >= wanted)

    async def refuse(self) -> None:
        """Close the port and reset every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.abort()

    async def close(self) -> None:
        """Reset everything and wait for the tasks to end."""
        await self.refuse()
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for writer in list(self._writers):
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.listening:  # accepted just before `refuse`
            writer.transport.abort()
            return
        if self._resetting:
            writer.transport.abort()
            async with self._reset:
                self._resets += 1
                self._reset.notify_all()
            return
        self.accepted += 1
        self._writers.add(writer)
        self._clients.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:  # the server is down
            writer.transport.abort()
            return
        if writer.is_closing():  # reset meanwhile
            server_writer.transport.abort()
            return
        self._writers.add(server_writer)
        for source, sink, gate in (
            (reader, server_writer, self._to_server),
            (server_reader, writer, self._to_client),
        ):
            pump = asyncio.create_task(_pump(source, sink, gate))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await source.read(CHUNK):
            await gate.wait()
            sink.write(data)
            await sink.drain()
    sink.close()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """Yield a proxy in front of the server of `url`, and the address of the proxy."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.hostname, parts.port)
    await proxy.listen()
    credentials, at, _ = parts.netloc.rpartition("@")
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{proxy.port}"))
    finally:
        await proxy.close()
