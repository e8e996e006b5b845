"""The commit script on a real Redis: its keys, and races."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.worker import KEY, FakeWeChat, Rig, a_text_envelope
from wxbus.errors import StoreUnavailable
from wxbus.store.store import Store
from wxbus.testing import MemoryDelivery
from wxbus_worker import Context, Router, TextMessage, reply
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.delivery.settlement import Done
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def contexts(store: Store, namespace: str) -> RedisContextStore:
    """Return a context store in the test's namespace."""
    return RedisContextStore(store, namespace=namespace, policy=ContextPolicy())


async def test_all_keys_of_a_lane_share_a_shard_and_expire(
    contexts: RedisContextStore, redis: Redis, namespace: str
) -> None:
    """One hash tag, so that Redis Cluster runs the script;

    each key has a time to live, a context its place in the index.
    """
    opened = await contexts.open(KEY, "m1")
    opened.context.expire_after = timedelta(hours=2)
    await contexts.commit(KEY, "m1", opened, [reply.Text("a")], attempt_id="r")

    keys = {key.decode(): await redis.pttl(key) async for key in redis.scan_iter(match=f"{namespace}:*")}
    assert {key.split("}")[0] for key in keys} == {f"{namespace}:{{56"}
    kinds = {key.split(":")[2]: ttl for key, ttl in keys.items()}
    assert set(kinds) == {"context", "dedup", "outbox", "send_lease", "context_expiries"}
    assert kinds["context"] == kinds["context_expiries"] == -1
    expiries: list[Any] = await redis.zrange(contexts.keys.expiries(56), 0, -1, withscores=True)
    ((lane, due),) = expiries
    seconds, _ = await redis.time()
    assert lane == b"wx1:o_1"
    assert 0 < due - seconds * 1000 <= DAY_MS / 12 + 1000
    assert 7 * DAY_MS < kinds["dedup"] <= 7 * DAY_MS + HOUR_MS  # not renewed by each commit
    assert 6.9 * DAY_MS < kinds["outbox"] <= 7 * DAY_MS
    assert 0 < kinds["send_lease"] <= 15_000
    assert all(key.endswith((":wx1:o_1", ":context_expiries")) for key in keys)


async def test_shards_never_change(contexts: RedisContextStore) -> None:
    """Other numbers would lose all contexts."""
    lanes = ["wx1:o_1", "wx1:o_2", "wx1:用户"]
    shards = [contexts.keys.of(ContextKey("wx1", "o", lane), "context").split("{")[1].split("}")[0] for lane in lanes]
    assert shards == ["56", "2", "27"]


async def test_a_deleted_context_keeps_its_dedup_keys(contexts: RedisContextStore, redis: Redis) -> None:
    """The next message gets a new context; a committed message is still a duplicate."""
    opened = await contexts.open(KEY, "m1")
    opened.context.storage["a"] = 1
    await contexts.commit(KEY, "m1", opened, [], attempt_id="r")
    await redis.delete(contexts.keys.of(KEY, "context"))  # like an expired key

    found = await contexts.open(KEY, "m1")
    assert (found.context.storage, found.version, found.duplicate) == ({}, 0, True)


async def test_a_context_that_expires_while_its_message_is_handled_conflicts(
    contexts: RedisContextStore, redis: Redis
) -> None:
    """The handler runs again with a new context."""
    await contexts.commit(KEY, "m1", await contexts.open(KEY, "m1"), [], attempt_id="r")
    opened = await contexts.open(KEY, "m2")
    await redis.delete(contexts.keys.of(KEY, "context"))
    assert (await contexts.commit(KEY, "m2", opened, [], attempt_id="r")).status == "conflict"


async def test_dedup_keys_are_forgotten_after_their_time(store: Store, namespace: str, redis: Redis) -> None:
    """They are kept as long as a copy may come back, not longer."""
    contexts = RedisContextStore(store, namespace=namespace, policy=ContextPolicy(), remember=timedelta(days=7))
    await contexts.commit(KEY, "m1", await contexts.open(KEY, "m1"), [], attempt_id="r")
    dedup = contexts.keys.of(KEY, "dedup")
    committed_at = await redis.zscore(dedup, "m1")
    assert committed_at is not None
    await redis.zadd(dedup, {"m1": committed_at - 7 * DAY_MS - 1000})
    await contexts.commit(KEY, "m2", await contexts.open(KEY, "m2"), [], attempt_id="r")
    assert await redis.zrange(dedup, 0, -1) == [b"m2"]


async def test_a_key_of_another_type_fails_before_the_first_write(contexts: RedisContextStore, redis: Redis) -> None:
    """A script is not transactional: it reads everything that may fail before it writes."""
    opened = await contexts.open(KEY, "m1")
    await redis.set(contexts.keys.of(KEY, "outbox"), "not a list")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await contexts.commit(KEY, "m1", opened, [reply.Text("a")], attempt_id="r")
    assert not await redis.exists(contexts.keys.of(KEY, "context"), contexts.keys.of(KEY, "dedup"))


async def test_two_racing_workers_commit_one_message_once(store: Store, namespace: str) -> None:
    """Both run the handler; one commit succeeds, its replies are sent once, both workers acknowledge."""
    wechat = FakeWeChat()
    both_run = asyncio.Barrier(2)
    router = Router()

    @router.text
    async def count(context: Context) -> list[reply.Text]:
        context.storage["count"] = context.storage.get("count", 0) + 1
        await both_run.wait()
        return [reply.Text("one"), reply.Text("two")]

    rigs = [
        Rig(
            router,
            store=RedisContextStore(store, namespace=namespace, policy=router.context_policy),
            wechat=wechat,
        )
        for _ in range(2)
    ]
    for number in range(1, 11):
        envelope = a_text_envelope(str(number))
        deliveries = [MemoryDelivery(envelope), MemoryDelivery(envelope, redelivered=True)]
        results = await asyncio.gather(*(rig.handle(delivery) for rig, delivery in zip(rigs, deliveries, strict=True)))
        assert [type(one) for one in results] == [Done, Done]
        assert all(delivery.acked for delivery in deliveries)
        assert wechat.texts == ["one", "two"] * number
        assert (await rigs[0].store.open(KEY, "")).context.storage == {"count": number}


async def test_racing_messages_of_one_user_lose_no_update(store: Store, namespace: str) -> None:
    """No commit overwrites another, even without order: each conflict opens and runs again."""
    router = Router()

    @router.text
    async def collect(message: TextMessage, context: Context) -> None:
        context.storage.setdefault("seen", []).append(message.content)

    contexts = RedisContextStore(store, namespace=namespace, policy=router.context_policy)
    rigs = [Rig(router, store=contexts) for _ in range(4)]
    await asyncio.gather(*(rig.handle(a_text_envelope(f"{n}")) for n, rig in enumerate(rigs)))
    assert sorted((await contexts.open(KEY, "")).context.storage["seen"]) == ["0", "1", "2", "3"]


async def test_new_dedup_keys_are_kept_however_many_there_are(store: Store, namespace: str, redis: Redis) -> None:
    """The acknowledgements of as many messages as RabbitMQ delivers at once can be lost; it delivers them again."""
    contexts = RedisContextStore(store, namespace=namespace, policy=ContextPolicy(), max_remembered=5)
    for number in range(20):
        opened = await contexts.open(KEY, f"m{number}")
        await contexts.commit(KEY, f"m{number}", opened, [], attempt_id="r")
    assert (await contexts.open(KEY, "m0")).duplicate

    key = contexts.keys.of(KEY, "dedup")
    members: list[Any] = await redis.zrange(key, 0, -1)
    for member in members[:12]:
        await redis.zincrby(key, -HOUR_MS, member)
    await contexts.commit(KEY, "new", await contexts.open(KEY, "new"), [], attempt_id="r")
    assert await redis.zcard(key) == 9, "twelve are old, and surplus"
    assert (await contexts.open(KEY, "m19")).duplicate
