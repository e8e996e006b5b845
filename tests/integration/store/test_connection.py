"""Connections that redis-py opens and leaves to a protocol of ours."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop
from redis.asyncio import Redis

from tests.support.certificates import CertificateAuthority
from tests.support.proxy import proxied
from tests.support.stores import open_store
from wxbus.errors import StoreUnavailable

pytestmark = pytest.mark.integration


@asynccontextmanager
async def terminating_tls(redis_url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Yield an address that speaks TLS and leads to Redis."""
    host, port = redis_url.removeprefix("redis://").split("/")[0].split("@")[-1].split(":")

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, to_redis), pipe(from_redis, writer))
        for one in (to_redis, writer):
            with suppress(OSError):
                await one.wait_closed()
        closed.release()

    closed = asyncio.Semaphore(0)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        await closed.acquire()  # the connection that was accepted


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_both_event_loops_hand_over_the_connection(
    redis_url: str, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """After redis-py's greetings; answers of any size arrive whole, and each goes to its caller."""

    async def echo() -> None:
        async with open_store(redis_url, name="wxbus-test-name") as store:
            assert await store.command("CLIENT", "GETNAME") == b"wxbus-test-name"
            words = [bytes([65 + number]) * 10 ** (number % 7) for number in range(20)]
            assert await asyncio.gather(*(store.command("ECHO", word) for word in words)) == words
            assert await store.command("GET", "wxbus-test-no-such-key") is None

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(echo())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_tls_is_handed_over_as_well(
    redis_url: str, tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Redis-py checks the certificate; large answers arrive whole, and closing does not hang."""
    authority = CertificateAuthority(tmp_path)
    server = authority.issue("CN=redis", name="redis")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.cert, server.key)

    async def echo() -> None:
        async with terminating_tls(redis_url, context) as address:
            async with open_store(f"{address}?ssl_ca_certs={authority.cert}") as store:
                words = [bytes([65 + number]) * 10 ** (number % 7) for number in range(20)]
                assert await asyncio.gather(*(store.command("ECHO", word) for word in words)) == words
            async with open_store(address) as store:
                with pytest.raises(StoreUnavailable, match="certificate"):
                    await store.command("PING")

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(echo())


async def test_a_password_is_sent(redis_url: str, redis: Redis, namespace: str) -> None:
    """By redis-py; a wrong one is an error that does not contain it."""
    user, host = f"{namespace}-user", redis_url.removeprefix("redis://").split("@")[-1]
    await redis.acl_setuser(user, enabled=True, passwords="+s3cret", keys=["*"], categories=["+@all"])
    try:
        async with open_store(f"redis://{user}:s3cret@{host}") as store:
            assert await store.command("ACL", "WHOAMI") == user.encode()
        async with open_store(f"redis://{user}:wr0ng@{host}") as store:
            with pytest.raises(StoreUnavailable) as refused:
                await store.command("PING")
            assert "wr0ng" not in str(refused.value)
    finally:
        await redis.acl_deluser(user)


async def test_the_end_of_a_connection_fails_what_was_sent(redis_url: str) -> None:
    """At once, not after a time-out; the next command connects again."""
    async with proxied(redis_url) as (proxy, url), open_store(url) as store:
        assert await store.command("ECHO", "1") == b"1"
        proxy.blackhole()
        call = asyncio.create_task(store.command("ECHO", "2"))
        await asyncio.sleep(0)
        await proxy.refuse()
        with pytest.raises(StoreUnavailable):
            await call
        proxy.flow()
        await proxy.listen()
        assert await store.command("ECHO", "3") == b"3"
