"""Expiry of contexts on a real Redis."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.worker import APPID, KEY, FakeWeChat, Rig, a_text_envelope
from wxbus.accounts.accounts import Accounts
from wxbus.store.store import Store
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus_worker import Account, AccountKind, Context, Router, reply
from wxbus_worker.delivery.settlement import Done, Retry
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.sweepers.contexts import ContextSweeper

pytestmark = pytest.mark.integration

ACCOUNTS = Accounts({"shop": Account(name="shop", appid=APPID, kind=AccountKind.OFFICIAL_ACCOUNT)})
SHORT = timedelta(milliseconds=1)
WORKERS = 10


def a_bot(removed: list[str], *, fails: int = 0, expire_after: timedelta = SHORT) -> Router:
    """Return a bot whose contexts expire at once."""
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
def contexts(store: Store, namespace: str) -> RedisContextStore:
    """Return a context store in the test's namespace, whose contexts expire at once."""
    return RedisContextStore(store, namespace=namespace, policy=a_bot([]).context_policy)


async def swept(contexts: RedisContextStore, *, events: bool = True) -> MemoryPublisher:
    """Return what one worker publishes, once everything committed is due."""
    publisher = MemoryPublisher()
    await asyncio.sleep(0.01)  # Redis's clock must advance by a millisecond
    await ContextSweeper(contexts, publisher, ACCOUNTS, events=events).sweep()
    return publisher


async def test_ten_workers_publish_each_expiry_once_and_run_it_once(store: Store, namespace: str) -> None:
    """All sweep at the same time, and all receive all events: one handler and one reply each."""
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

    for index, envelope in enumerate(publisher.published):  # each reaches two workers, one of them late
        for worker in (index, index + 1):
            assert isinstance(await rigs[worker % WORKERS].handle(envelope), Done)
    assert sorted(removed) == sorted(f"{user} 1" for user in users)
    assert len(wechat.texts) == len(users)
    assert not (await swept(contexts)).published


async def test_two_workers_with_the_same_expiry_commit_it_once(store: Store, namespace: str) -> None:
    """The commit of the suspended worker is refused, its reply is not sent."""
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


async def test_a_message_moves_the_expiry(contexts: RedisContextStore, redis: Redis) -> None:
    """The event finds another version, and the context expires later."""
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
    expiries: list[Any] = await redis.zrange(contexts.keys.expiries(KEY.shard), 0, -1, withscores=True)
    ((_, due),) = expiries
    assert due > (seconds + 3500) * 1000
    assert not (await swept(contexts)).published
    await contexts.mark_expiry_published(KEY.lane, int(envelope.dedup_id.rsplit(":", 1)[1]))  # by a slow worker
    assert due == await redis.zscore(contexts.keys.expiries(KEY.shard), KEY.lane)


async def test_the_expiry_of_a_killed_worker_is_published_by_another(contexts: RedisContextStore, redis: Redis) -> None:
    """Its claim ends; if it had published the event, the second one is a duplicate."""
    removed: list[str] = []
    rig = Rig(a_bot(removed), store=contexts)
    await rig.handle(a_text_envelope())
    await asyncio.sleep(0.01)
    assert await contexts.claim_due(KEY.shard, limit=10) == [
        (KEY.lane, (await contexts.open(KEY, "")).version)
    ]  # killed before it publishes
    assert not (await swept(contexts)).published
    await redis.zadd(contexts.keys.expiries(KEY.shard), {KEY.lane: 0})  # like after the claim
    first = (await swept(contexts)).published
    await redis.zadd(contexts.keys.expiries(KEY.shard), {KEY.lane: 0})
    second = (await swept(contexts)).published
    for envelope in (*first, *second):
        assert isinstance(await rig.handle(envelope), Done)
    assert removed == ["o_1 1"]
    assert await redis.zcard(contexts.keys.expiries(KEY.shard)) == 0


async def test_an_expiry_that_is_retried_is_not_published_again(contexts: RedisContextStore) -> None:
    """Its retries are in the queues; the index waits until they must be over."""
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
    """Not earlier; a message that is handled meanwhile gets a new context."""
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


async def test_drop_all_empties_the_index(contexts: RedisContextStore, redis: Redis, namespace: str) -> None:
    """Thousands of contexts in batches; no event is published."""
    for number in range(30):
        key = ContextKey.of_user(APPID, f"o_{number}")
        await contexts.commit(key, "m", await contexts.open(key, "m"), [], attempt_id="r")
    assert await contexts.drop_all() == 30
    assert [key async for key in redis.scan_iter(match=f"{namespace}:*:context:*")] == []
    assert not (await swept(contexts)).published


async def _nothing() -> None:
    """Accept it."""
