"""The store on a real Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from tests.support.stores import open_store
from wxbus.errors import StoreUnavailable
from wxbus.store.store import Script, Store
from wxbus_local.servers.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """A store on the test's Redis."""
    async with open_store(redis_url) as opened:
        yield opened


async def test_connecting_logs_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The client does not ask for notifications that only some Redis servers have, and warns about."""
    await store.now()
    said = [record for record in caplog.records if record.name.startswith("redis") and record.levelno > logging.INFO]
    assert said == []


async def test_a_script_is_loaded_again_after_a_restart(store: Store, namespace: str) -> None:
    """Redis forgets scripts when it restarts; the next run loads the script and runs it once."""
    key = f"{namespace}:count"
    assert await store.run(COUNT, keys=[key]) == 1
    await store.command("SCRIPT", "FLUSH")
    assert await store.run(COUNT, keys=[key]) == 2


async def test_an_unavailable_redis_raises_store_unavailable() -> None:
    """No error of redis-py leaves the store."""
    async with Store.open(f"redis://127.0.0.1:{free_port()}/0") as away:
        with pytest.raises(StoreUnavailable):
            await away.run(COUNT, keys=["k"])
        with pytest.raises(StoreUnavailable):
            await away.now()


async def test_concurrent_commands_share_a_connection(redis_url: str, namespace: str) -> None:
    """A thousand concurrent tasks use one connection, and each gets its own answer."""
    async with open_store(redis_url, name=namespace) as store:
        echo = Script("echo", "return ARGV[1]")
        answers = await asyncio.gather(
            *(store.run(echo, keys=[f"{namespace}:k"], args=[number]) for number in range(1_000))
        )
        assert answers == [str(number).encode() for number in range(1_000)]
        clients = await store.command("CLIENT", "LIST")
    assert clients.count(f"name={namespace} ".encode()) == 1
