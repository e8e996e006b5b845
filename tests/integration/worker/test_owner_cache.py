"""The owner of a lane knows it (decision 0020): what it saves, and that it never decides."""

from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.echo import Echo
from tests.support.metrics import counted
from tests.support.worker import KEY, Rig, a_text_envelope
from wxbus.store.batches import Argument
from wxbus.store.store import Script, Store
from wxbus.testing import MemoryDelivery
from wxbus_worker import Context, Router, reply
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.delivery.settlement import Done
from wxbus_worker.store.cache import LaneCache
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration


class Counting:
    """Runs scripts and records their names."""

    def __init__(self, store: Store) -> None:
        self.asked: list[str] = []
        self._store = store

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return what the script returns."""
        self.asked.append(script.name)
        return await self._store.run(script, keys=keys, args=args)

    async def command(self, name: str, *words: Argument) -> Any:
        """Return the answer to one command."""
        self.asked.append(name)
        return await self._store.command(name, *words)


@pytest.fixture
def scripts(store: Store) -> Counting:
    """Return what the store of the owner asks Redis for."""
    return Counting(store)


@pytest.fixture
def cache() -> LaneCache:
    """Return the owner's cache. Its clock stands still: on a busy machine, two messages can be 2 s apart."""
    return LaneCache(max_bytes=1_000_000, clock=lambda: 0.0)


@pytest.fixture
def owner(scripts: Counting, namespace: str, cache: LaneCache) -> RedisContextStore:
    """Return the store of the owner."""
    return RedisContextStore(scripts, namespace=namespace, policy=ContextPolicy(), cache=cache)


@pytest.fixture
def other(store: Store, namespace: str) -> RedisContextStore:
    """Return the store of another worker."""
    return RedisContextStore(store, namespace=namespace, policy=ContextPolicy())


def counting(seen: list[int]) -> Router:
    """Return a bot that counts the messages of a user, and answers with the number."""
    router = Router()

    @router.text
    async def count(context: Context) -> reply.Text:
        seen.append(context.storage.get("count", 0))
        context.storage["count"] = seen[-1] + 1
        return reply.Text(str(seen[-1] + 1))

    return router


async def test_a_known_user_costs_one_script(owner: RedisContextStore, scripts: Counting) -> None:
    """The lane is read for the first message only; the reply of each is removed by a plain command."""
    seen: list[int] = []
    rig = Rig(counting(seen), store=owner)
    for _ in range(3):
        await rig.handle(a_text_envelope())
    assert seen == [0, 1, 2]
    assert scripts.asked == ["open_context.lua", "commit.lua", "LREM", "commit.lua", "LREM", "commit.lua", "LREM"]


async def test_a_wrong_cache_costs_a_conflict(owner: RedisContextStore, other: RedisContextStore) -> None:
    """The handler runs again on what another worker wrote: no update is lost, and the first run sends nothing."""
    seen: list[int] = []
    rig = Rig(counting(seen), store=owner)
    await rig.handle(a_text_envelope())
    await Rig(counting([]), store=other).handle(a_text_envelope())
    await rig.handle(a_text_envelope())
    assert seen == [0, 1, 2]
    assert rig.wechat.texts == ["1", "3"]
    assert counted(rig.metrics.conflicts) == 1


async def test_a_dropped_context_is_not_revived(owner: RedisContextStore, other: RedisContextStore) -> None:
    """All contexts were dropped by another process: the commit on the cached one is refused."""
    seen: list[int] = []
    rig = Rig(counting(seen), store=owner)
    await rig.handle(a_text_envelope())
    await other.drop_all()
    await rig.handle(a_text_envelope())
    assert seen == [0, 1, 0]
    assert rig.wechat.texts == ["1", "1"]


async def test_a_duplicate_runs_no_handler(
    owner: RedisContextStore, redis: Redis, scripts: Counting, namespace: str
) -> None:
    """Neither of a message that this worker committed, nor of one that its predecessor did, whose ids are read once."""
    echo = Echo()
    before = [a_text_envelope("a"), a_text_envelope("b")]
    predecessor = Rig(echo.router, store=RedisContextStore(scripts, namespace=namespace, policy=ContextPolicy()))
    for envelope in before:
        await predecessor.handle(envelope)
    rig = Rig(echo.router, store=owner)
    own = a_text_envelope("c")
    await rig.handle(own)
    scripts.asked.clear()
    for envelope in (*before, own):
        assert isinstance(await rig.handle(MemoryDelivery(envelope)), Done)
    assert echo.runs == ["a", "b", "c"]
    assert "open_context.lua" not in scripts.asked
    assert await redis.zcard(owner.keys.of(KEY, "dedup")) == 3


async def test_an_unanswered_commit_is_not_cached(owner: RedisContextStore, cache: LaneCache) -> None:
    """Until it is known what Redis has, nothing is."""
    opened = await owner.open(KEY, "m1")
    await owner.commit(KEY, "m1", opened, [], attempt_id="r")
    assert len(cache) == 1
    commit = owner.commit(KEY, "m2", await owner.open(KEY, "m2"), [], attempt_id="r")
    commit.send(None)  # as far as the request
    commit.close()
    assert len(cache) == 0


async def test_a_woken_owner_changes_nothing_twice(owner: RedisContextStore, other: RedisContextStore) -> None:
    """Its successor has handled what waits in its memory: the handler may run, and its commit is a duplicate."""
    seen: list[int] = []
    rig, successor = Rig(counting(seen), store=owner), Rig(counting([]), store=other)
    await rig.handle(a_text_envelope())
    waiting = a_text_envelope()
    await successor.handle(waiting)
    assert isinstance(await rig.handle(waiting), Done)
    assert seen == [0, 1]
    assert (rig.wechat.texts, successor.wechat.texts) == (["1"], ["2"])
    assert (await other.open(KEY, "")).context.storage == {"count": 2}


async def test_a_redis_that_lost_its_data_is_believed(owner: RedisContextStore, redis: Redis, namespace: str) -> None:
    """The handler runs again with a new context; what is known of the lane is not written back."""
    seen: list[int] = []
    rig = Rig(counting(seen), store=owner)
    await rig.handle(a_text_envelope())
    await redis.delete(*[key async for key in redis.scan_iter(match=f"{namespace}:*")])
    await rig.handle(a_text_envelope())
    await rig.handle(a_text_envelope())
    assert seen == [0, 1, 0, 1]
    assert rig.wechat.texts == ["1", "1", "2"]
