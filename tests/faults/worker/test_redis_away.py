"""Redis is killed or frozen under a worker: nothing is settled meanwhile, and the worker continues afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.stores import REDIS_TIMEOUT
from tests.support.worker import KEY, Rig, a_text_envelope
from wxbus.errors import StoreUnavailable
from wxbus.store.batches import Argument
from wxbus.store.generation import Generation
from wxbus.store.store import Script, Store
from wxbus.testing import MemoryDelivery
from wxbus_local.servers.server import Server
from wxbus_worker import Context, Router, reply
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.delivery.settlement import Done
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.store.retrying import RetryingStore

pytestmark = pytest.mark.faults

FROZEN = 2.0
"""Seconds after which a Redis that is frozen counts as unavailable."""


class WatchedStore(Store):
    """A store that reports a missing answer."""

    def __init__(self, redis: Redis, *, answer_timeout: float) -> None:
        super().__init__(redis, answer_timeout=answer_timeout)
        self.failed = asyncio.Event()

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Run a script, and report a missing answer."""
        with self._watched():
            return await super().run(script, keys=keys, args=args)

    async def command(self, name: str, *words: Argument) -> Any:
        """Run a command, and report a missing answer."""
        with self._watched():
            return await super().command(name, *words)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable:
            self.failed.set()
            raise


class Bot:
    """A handler that the test can hold, and that counts its runs in the context and in `runs`."""

    def __init__(self) -> None:
        self.router = Router()
        self.runs = 0
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()

        @self.router.text
        async def count(context: Context) -> reply.Text:
            self.runs += 1
            context.storage["runs"] = context.storage.get("runs", 0) + 1
            self.started.set()
            await self.go_on.wait()
            return reply.Text(f"run {context.storage['runs']}")


@pytest.fixture
def answer_timeout() -> float:
    """Return the seconds in which Redis must answer: a killed one refuses connections, so a busy one may be slow."""
    return REDIS_TIMEOUT


@pytest.fixture
async def store(own_redis: Server, answer_timeout: float) -> AsyncIterator[WatchedStore]:
    """Yield a store on a Redis that the test may hurt."""
    async with WatchedStore.open(own_redis.url, answer_timeout=answer_timeout) as opened:
        assert isinstance(opened, WatchedStore)
        yield opened


@pytest.fixture
def bot() -> Bot:
    """Return the bot under test."""
    return Bot()


@pytest.fixture
def rig(bot: Bot, store: WatchedStore, namespace: str) -> Rig:
    """Return a worker on that Redis."""
    retrying = RetryingStore(store, Generation(store, namespace=namespace))
    contexts = RedisContextStore(retrying, namespace=namespace, policy=ContextPolicy())
    return Rig(bot.router, store=contexts, availability=retrying)


async def test_killed_before_a_message_is_opened(own_redis: Server, store: WatchedStore, bot: Bot, rig: Rig) -> None:
    """The message is not settled while Redis is unavailable, and handled once afterwards."""
    bot.go_on.set()
    await asyncio.to_thread(own_redis.kill)
    delivery = MemoryDelivery(a_text_envelope())
    handling = asyncio.create_task(rig.handle(delivery))
    await store.failed.wait()
    assert (bot.runs, delivery.acked, rig.memory_publisher.retries, rig.memory_publisher.dead_letters) == (
        0,
        False,
        [],
        [],
    )

    await asyncio.to_thread(own_redis.start)
    assert isinstance(await handling, Done)
    assert (bot.runs, delivery.acked, rig.wechat.texts) == (1, True, ["run 1"])
    assert not rig.memory_publisher.retries


async def test_killed_between_handler_and_commit(own_redis: Server, store: WatchedStore, bot: Bot, rig: Rig) -> None:
    """The commit waits for Redis, and the handler does not run again."""
    delivery = MemoryDelivery(a_text_envelope())
    handling = asyncio.create_task(rig.handle(delivery))
    await bot.started.wait()
    await asyncio.to_thread(own_redis.kill)
    bot.go_on.set()
    await store.failed.wait()
    assert (delivery.acked, rig.wechat.texts, rig.memory_publisher.retries) == (False, [], [])

    await asyncio.to_thread(own_redis.start)
    assert isinstance(await handling, Done)
    assert (bot.runs, delivery.acked, rig.wechat.texts) == (1, True, ["run 1"])


@pytest.mark.parametrize("answer_timeout", [FROZEN])
async def test_frozen_at_the_commit(own_redis: Server, store: WatchedStore, bot: Bot, rig: Rig) -> None:
    """The first commit may have arrived or not: there is one commit, and one reply."""
    delivery = MemoryDelivery(a_text_envelope())
    handling = asyncio.create_task(rig.handle(delivery))
    await bot.started.wait()
    await asyncio.to_thread(own_redis.freeze)
    bot.go_on.set()
    await store.failed.wait()
    await asyncio.to_thread(own_redis.thaw)

    assert isinstance(await handling, Done)
    assert (bot.runs, delivery.acked, rig.wechat.texts) == (1, True, ["run 1"])
    assert (await rig.store.open(KEY, "")).context.storage == {"runs": 1}


async def test_killed_while_replies_are_sent(own_redis: Server, store: WatchedStore, bot: Bot, rig: Rig) -> None:
    """A sent reply is removed when Redis is available again: it is not sent twice."""
    bot.go_on.set()
    rig.wechat.open.clear()
    delivery = MemoryDelivery(a_text_envelope())
    handling = asyncio.create_task(rig.handle(delivery))
    await rig.wechat.sending.wait()
    await asyncio.to_thread(own_redis.kill)
    rig.wechat.open.set()
    await store.failed.wait()
    assert not delivery.acked

    await asyncio.to_thread(own_redis.start)
    assert isinstance(await handling, Done)
    assert (delivery.acked, rig.wechat.texts) == (True, ["run 1"])


async def test_a_worker_without_redis_is_not_ready(own_redis: Server, store: WatchedStore, namespace: str) -> None:
    """The readiness check of the store fails while Redis is killed."""
    retrying = RetryingStore(store, Generation(store, namespace=namespace))
    await retrying.check()
    await asyncio.to_thread(own_redis.kill)
    with pytest.raises(StoreUnavailable):
        await retrying.check()
