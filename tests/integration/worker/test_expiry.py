"""Contexts whose time is over, on a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from tests.support.worker import APPID, KEY, REDIS_PATIENCE, FakeWeChat, Rig, a_text_envelope
from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.store.store import Store
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus.wechat import reply
from wxbus_worker import Context, Router
from wxbus_worker.delivery.settlement import Done, Retry
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.sweepers.contexts import ContextSweeper

pytestmark = pytest.mark.integration

ACCOUNTS = Accounts({"shop": Account(name="shop", appid=APPID, kind=AccountKind.OFFICIAL_ACCOUNT)})
SHORT = timedelta(milliseconds=1)
WORKERS = 10


def a_bot(removed: list[str], *, fails: int = 0, expire_after: timedelta = SHORT) -> Router:
    """A bot whose contexts are due at once."""
    router = Router(expire_after=expire_after)

    @router.text
    async def count(context: Context) -> None:
        context.storage["count"] = context.storage.get("count", 0) + 1

    @router.context_removed
    async def note(context: Context) -> reply.Text:
        removed.append(f"{context.openid} {context.storage['count']}")
        if len(removed) <= fails:
            raise ValueError
        return reply.Text(f"removed {context.storage['count']}")

    return router


@pytest.fixture
async def store(redis_url: str, redis: Redis) -> AsyncIterator[Store]:
    """A store on the test's Redis; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as opened:
        yield opened


@pytest.fixture
def contexts(store: Store, namespace: str) -> RedisContextStore:
    """Lanes of this test's own, due at once."""
    return RedisContextStore(store, namespace=namespace, policy=a_bot([]).context_policy)


async def swept(contexts: RedisContextStore, *, events: bool = True) -> MemoryPublisher:
    """What one worker hands over, once everything that was committed is due."""
    publisher = MemoryPublisher()
    await asyncio.sleep(0.01)  # Redis's clock has to go on by a millisecond: there is nothing else to wait for
    await ContextSweeper(contexts, publisher, ACCOUNTS, events=events).sweep()
    return publisher


async def test_ten_workers_hand_over_each_context_once_and_run_it_once(store: Store, namespace: str) -> None:
    """All look at the same time, all are given what there is: one handler each, one reply each, nothing left."""
    removed: list[str] = []
    router = a_bot(removed)
    contexts = RedisContextStore(store, namespace=namespace, policy=router.context_policy)
    publisher, wechat = MemoryPublisher(), FakeWeChat()
    rigs = [Rig(router, store=contexts, wechat=wechat) for _ in range(WORKERS)]
    users = [f"o_{number}" for number in range(40)]
    for user in users:
        await rigs[0].handle(a_text_envelope(openid=user, lane=f"{APPID}:{user}"))
    await asyncio.sleep(0.01)
    await asyncio.gather(*(ContextSweeper(contexts, publisher, ACCOUNTS, events=True).sweep() for _ in range(WORKERS)))
    assert sorted(envelope.openid or "" for envelope in publisher.published) == sorted(users)

    for index, envelope in enumerate(publisher.published):  # each reaches two workers, one of which woke up late
        for worker in (index, index + 1):
            assert isinstance(await rigs[worker % WORKERS].handle(envelope), Done)
    assert sorted(removed) == sorted(f"{user} 1" for user in users)
    assert len(wechat.texts) == len(users)
    assert not (await swept(contexts)).published


async def test_two_workers_that_run_one_end_at_once_commit_it_once(store: Store, namespace: str) -> None:
    """One was frozen in its handler: its commit is refused, its reply is not sent."""
    both = asyncio.Barrier(2)
    router = Router(expire_after=SHORT)
    router.text(_nothing)

    @router.context_removed
    async def removed() -> reply.Text:
        await both.wait()
        return reply.Text("removed")

    contexts = RedisContextStore(store, namespace=namespace, policy=router.context_policy)
    wechat = FakeWeChat()
    rigs = [Rig(router, store=contexts, wechat=wechat) for _ in range(2)]
    await rigs[0].handle(a_text_envelope())
    (envelope,) = (await swept(contexts)).published
    deliveries = [MemoryDelivery(envelope), MemoryDelivery(envelope, redelivered=True)]
    await asyncio.gather(*(rig.handle(one) for rig, one in zip(rigs, deliveries, strict=True)))
    assert all(delivery.acked for delivery in deliveries)
    assert wechat.texts == ["removed"]


async def test_a_message_moves_the_due_time(contexts: RedisContextStore, redis: Redis) -> None:
    """It came before the event was handled: the event finds a living context, which is due later."""
    removed: list[str] = []
    rig = Rig(a_bot(removed), store=contexts)
    await rig.handle(a_text_envelope())
    (envelope,) = (await swept(contexts)).published
    opened = await contexts.open(KEY, "m")
    opened.context.expire_after = timedelta(hours=1)
    await contexts.commit(KEY, "m", opened, [], attempt_id="r")
    assert isinstance(await rig.handle(envelope), Done)

    assert removed == []
    seconds, _ = await redis.time()
    (due,) = [score for _, score in await redis.zrange(contexts.keys.expiries(KEY.shard), 0, -1, withscores=True)]
    assert due > (seconds + 3500) * 1000
    assert not (await swept(contexts)).published
    await contexts.mark_expiry_published(
        KEY.lane, int(envelope.dedup_id.rsplit(":", 1)[1])
    )  # by a worker that was slow
    assert due == await redis.zscore(contexts.keys.expiries(KEY.shard), KEY.lane)


async def test_a_worker_killed_before_it_has_told_the_lane_is_made_good(
    contexts: RedisContextStore, redis: Redis
) -> None:
    """Its claim lapses, another hands the context over; if it was told after all, the second event is a duplicate."""
    removed: list[str] = []
    rig = Rig(a_bot(removed), store=contexts)
    await rig.handle(a_text_envelope())
    await asyncio.sleep(0.01)
    assert await contexts.claim_due(KEY.shard, most=10) == [
        (KEY.lane, (await contexts.open(KEY, "")).version)
    ]  # ... and here it is killed
    assert not (await swept(contexts)).published
    await redis.zadd(contexts.keys.expiries(KEY.shard), {KEY.lane: 0})  # as after 30 s
    first = (await swept(contexts)).published
    await redis.zadd(contexts.keys.expiries(KEY.shard), {KEY.lane: 0})
    second = (await swept(contexts)).published
    for envelope in (*first, *second):
        assert isinstance(await rig.handle(envelope), Done)
    assert removed == ["o_1 1"]
    assert await redis.zcard(contexts.keys.expiries(KEY.shard)) == 0


async def test_an_end_that_is_tried_again_is_not_handed_over_again(contexts: RedisContextStore) -> None:
    """Its retries are in the queues; the index waits until they are surely over."""
    removed: list[str] = []
    rig = Rig(a_bot(removed, fails=1), store=contexts)
    await rig.handle(a_text_envelope())
    (envelope,) = (await swept(contexts)).published
    assert isinstance(await rig.handle(envelope), Retry)
    assert not (await swept(contexts)).published
    assert isinstance(await rig.handle(rig.memory_publisher.retries[0][0]), Done)
    assert removed == ["o_1 1"] * 2
    assert rig.wechat.texts == ["removed 1"]


async def test_without_handlers_contexts_are_deleted_when_due(contexts: RedisContextStore) -> None:
    """And only then; a worker that handles a message of theirs meanwhile starts anew."""
    alive = ContextKey(APPID, "o_2", f"{APPID}:o_2")
    opened = await contexts.open(alive, "m")
    opened.context.expire_after = timedelta(hours=1)
    await contexts.commit(alive, "m", opened, [], attempt_id="r")
    await contexts.commit(KEY, "m", await contexts.open(KEY, "m"), [], attempt_id="r")
    slow = await contexts.open(KEY, "slow")
    assert not (await swept(contexts, events=False)).published
    assert await contexts.get(APPID, "o_1") is None
    assert await contexts.get(APPID, "o_2") is not None
    assert (await contexts.commit(KEY, "slow", slow, [], attempt_id="r")).status == "conflict"


async def test_restore_empties_the_index(contexts: RedisContextStore, redis: Redis, namespace: str) -> None:
    """Thousands in batches; nobody is told, and nothing is left to be told."""
    for number in range(30):
        key = ContextKey.of_user(APPID, f"o_{number}")
        await contexts.commit(key, "m", await contexts.open(key, "m"), [], attempt_id="r")
    assert await contexts.drop_all() == 30
    assert [key async for key in redis.scan_iter(match=f"{namespace}:*:context:*")] == []
    assert not (await swept(contexts)).published


async def _nothing() -> None:
    """Take it."""
