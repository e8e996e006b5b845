"""The store on a real Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from wxbus.errors import StoreUnavailable
from wxbus.store.store import Script, Store
from wxbus_local.servers.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """A store on the test's Redis."""
    async with Store.open(redis_url) as opened:
        yield opened


async def test_connecting_logs_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The client asks for no notifications that only some servers of Redis have, and warns of their lack each time."""
    await store.now()
    said = [record for record in caplog.records if record.name.startswith("redis") and record.levelno > logging.INFO]
    assert said == []


async def test_a_script_survives_the_loss_of_its_cache(store: Store, namespace: str) -> None:
    """Redis forgets scripts when it restarts; the next run loads it again and runs it once."""
    key = f"{namespace}:count"
    assert await store.run(COUNT, keys=[key]) == 1
    await store.command("SCRIPT", "FLUSH")
    assert await store.run(COUNT, keys=[key]) == 2


async def test_redis_away_is_one_error_of_ours() -> None:
    """Nobody above the store sees an error of redis-py."""
    async with Store.open(f"redis://127.0.0.1:{free_port()}/0") as away:
        with pytest.raises(StoreUnavailable):
            await away.run(COUNT, keys=["k"])
        with pytest.raises(StoreUnavailable):
            await away.now()


async def test_many_at_once_need_one_connection(redis_url: str, namespace: str) -> None:
    """A thousand tasks that ask at once share a connection, and each is told its own answer."""
    async with Store.open(redis_url, name=namespace) as store:
        echo = Script("echo", "return ARGV[1]")
        answers = await asyncio.gather(
            *(store.run(echo, keys=[f"{namespace}:k"], args=[number]) for number in range(1_000))
        )
        assert answers == [str(number).encode() for number in range(1_000)]
        clients = await store.command("CLIENT", "LIST")
    assert clients.count(f"name={namespace} ".encode()) == 1
