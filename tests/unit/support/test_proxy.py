"""The proxy by which tests lose connections: what it refuses gets nothing through."""

import asyncio
from contextlib import suppress

from tests.support.proxy import proxied


async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say something to whoever comes."""
    writer.write(b"hello")
    await writer.drain()
    writer.close()


async def test_who_was_just_being_connected_is_refused_too() -> None:
    """A connection that has no other side yet when the proxy refuses is reset, and gets none later."""
    async with (
        await asyncio.start_server(greet, "127.0.0.1", 0) as server,
        proxied(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as (proxy, _),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        while not proxy.accepted:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0)
        await proxy.refuse()
        said = b""
        with suppress(ConnectionResetError):
            said = await reader.read()
        assert said == b""
        writer.close()


async def test_it_comes_back_where_it_was() -> None:
    """Whoever connects again and again finds it at the same port."""
    async with (
        await asyncio.start_server(greet, "127.0.0.1", 0) as server,
        proxied(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as (proxy, _),
    ):
        port = proxy.port
        for _ in range(3):
            await proxy.refuse()
            await proxy.listen()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b"hello"
            writer.close()
