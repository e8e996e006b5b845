"""One contract for all context stores: the fake of the unit tests, and Redis with and without a cache."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.stores import open_store
from wxbus.wechat import reply
from wxbus_worker.context.context import Context, ContextPolicy
from wxbus_worker.store.cache import LaneCache
from wxbus_worker.store.ports import ContextKey, ContextStore, Opened
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.testing import MemoryContextStore

KEY = ContextKey("wx1", "o_1", "wx1:o_1")
OTHER = ContextKey("wx1", "o_2", "wx1:o_2")
SYSTEM = ContextKey("wx1", None, "wx1:order1")
A, B = reply.Text("a"), reply.Image("b")
TRIM_EVERY = 3


@pytest.fixture
def memory_store() -> ContextStore:
    """Yield the fake."""
    return MemoryContextStore(max_remembered=5)


@pytest.fixture
async def redis_store(redis_url: str, namespace: str, redis: object) -> AsyncIterator[ContextStore]:
    """Yield the real one; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with open_store(redis_url) as store:
        yield RedisContextStore(
            store, namespace=namespace, policy=ContextPolicy(), max_remembered=5, remembered_at_least=timedelta()
        )


@pytest.fixture
async def cached_store(redis_url: str, namespace: str, redis: object) -> AsyncIterator[ContextStore]:
    """Yield the real one of the lanes' owner."""
    assert redis is not None
    async with open_store(redis_url) as store:
        cache = LaneCache(max_bytes=1_000_000)
        yield RedisContextStore(
            store,
            namespace=namespace,
            policy=ContextPolicy(),
            max_remembered=5,
            remembered_at_least=timedelta(),
            cache=cache,
            trim_every=TRIM_EVERY,
        )


REAL = [pytest.param(name, marks=pytest.mark.integration) for name in ("redis_store", "cached_store")]


@pytest.fixture(params=["memory_store", *REAL])
def store(request: pytest.FixtureRequest) -> ContextStore:
    """Yield one of them."""
    adapter: ContextStore = request.getfixturevalue(request.param)
    return adapter


async def changed(store: ContextStore, key: ContextKey = KEY, **storage: object) -> Opened:
    """Return a lane opened for message `m`, with a change of its storage."""
    opened = await store.open(key, "m")
    opened.context.storage.update(storage)
    return opened


async def test_a_commit_writes_the_context(store: ContextStore) -> None:
    """The next message finds it, with a higher version."""
    opened = await changed(store, step="address", 城市="北京")
    assert (await store.commit(KEY, "m1", opened, [], attempt_id="r")).status == "committed"

    found = await store.open(KEY, "m2")
    assert found.context.storage == {"step": "address", "城市": "北京"}
    assert found.version > opened.version


async def test_other_code_reads_contexts(store: ContextStore) -> None:
    """`get` returns None or a new context without one, and the committed one else."""
    assert await store.get("wx1", "o_1") is None
    created = await store.get("wx1", "o_1", create=True)
    assert created is not None
    assert (created.openid, created.storage) == ("o_1", {})
    assert await store.get("wx1", "o_1") is None
    await store.commit(KEY, "m1", await changed(store, a=1), [], attempt_id="r")
    found = await store.get("wx1", "o_1")
    assert found is not None
    assert found.storage == {"a": 1}


async def test_a_commit_can_remove_the_context(store: ContextStore) -> None:
    """It writes dedup key and replies, if the version is still the same; the dedup keys of the lane stay."""
    await store.commit(KEY, "m1", await changed(store, a=1), [], attempt_id="r")
    opened = await store.open(KEY, "end")
    await store.commit(KEY, "m2", await store.open(KEY, "m2"), [], attempt_id="r")
    assert (await store.commit(KEY, "end", opened, [A], attempt_id="r", remove=True)).status == "conflict"

    opened = await store.open(KEY, "end")
    removed = await store.commit(KEY, "end", opened, [A], attempt_id="r", remove=True)
    assert removed.status == "committed"
    assert [entry.reply for entry in removed.send_lease.entries] == [A]
    assert (await store.commit(KEY, "end", opened, [A], attempt_id="r", remove=True)).status == "duplicate"
    assert await store.get("wx1", "o_1") is None
    assert (await store.open(KEY, "m1")).duplicate


async def test_drop_all_drops_the_contexts_of_all_users(store: ContextStore) -> None:
    """Dedup keys and replies stay: no message is handled again, no reply is lost."""
    for key in (KEY, OTHER):
        await store.commit(key, "m1", await changed(store, key, a=1), [A], attempt_id="r")
    assert await store.drop_all() == 2
    assert await store.drop_all() == 0
    for key in (KEY, OTHER):
        opened = await store.open(key, "m1")
        assert (opened.context.storage, opened.version, opened.duplicate) == ({}, 0, True)
        assert [entry.reply for entry in (await store.claim_send_lease(key, attempt_id="r")).entries] == [A]


async def test_a_context_removed_meanwhile_conflicts(store: ContextStore) -> None:
    """A new context under the same key never has the version of the old one."""
    await store.commit(KEY, "m1", await changed(store, by="old"), [], attempt_id="r")
    slept = await changed(store, by="old")
    await store.drop_all()
    assert (await store.commit(KEY, "m2", slept, [], attempt_id="r")).status == "conflict"
    await store.commit(KEY, "m3", await changed(store, by="new"), [], attempt_id="r")
    assert (await store.commit(KEY, "m2", slept, [], attempt_id="r")).status == "conflict"
    assert (await store.open(KEY, "")).context.storage == {"by": "new"}


async def test_lanes_are_separate(store: ContextStore) -> None:
    """Another user's lane shares neither context nor dedup keys nor outbox."""
    await store.commit(KEY, "m1", await changed(store, a=1), [A], attempt_id="r")
    other = await store.open(OTHER, "m1")
    assert (other.context.storage, other.version, other.duplicate) == ({}, 0, False)
    assert (await store.claim_send_lease(OTHER, attempt_id="r2")).entries == ()


async def test_a_stale_version_conflicts_and_writes_nothing(store: ContextStore) -> None:
    """Of two workers that read the same version only one may write, or an update would be lost."""
    first, second = await changed(store, by="first"), await changed(store, by="second")
    assert (await store.commit(KEY, "m1", first, [A], attempt_id="r1")).status == "committed"
    assert (await store.commit(KEY, "m2", second, [B], attempt_id="r2")).status == "conflict"

    found = await store.open(KEY, "m2")
    assert found.context.storage == {"by": "first"}
    assert not found.duplicate
    assert [entry.reply for entry in (await store.claim_send_lease(KEY, attempt_id="r1")).entries] == [A]

    again = await changed(store, by="second")
    assert (await store.commit(KEY, "m2", again, [B], attempt_id="r2")).status == "committed"


async def test_a_repeated_commit_returns_the_stored_outcome(store: ContextStore) -> None:
    """After an unknown outcome the call may be repeated: nothing is written twice, the replies are returned."""
    opened = await changed(store, a=1)
    committed = await store.commit(KEY, "m1", opened, [A, B], attempt_id="r")
    repeated = await store.commit(KEY, "m1", opened, [A, B], attempt_id="r")

    assert (committed.status, repeated.status) == ("committed", "duplicate")
    assert committed.send_lease.entries == repeated.send_lease.entries
    assert [(entry.dedup_key, entry.number, entry.reply) for entry in repeated.send_lease.entries] == [
        ("m1", 0, A),
        ("m1", 1, B),
    ]
    version = (await store.open(KEY, "m1")).version
    assert version > opened.version
    again = await store.commit(KEY, "m2", await changed(store), [], attempt_id="r")
    assert again.status == "committed"
    assert (await store.open(KEY, "m1")).version == version + 1


async def test_a_committed_message_is_found_to_be_a_duplicate(store: ContextStore) -> None:
    """`open` says so before the handler runs."""
    await store.commit(KEY, "m1", await changed(store), [], attempt_id="r")
    assert (await store.open(KEY, "m1")).duplicate
    assert not (await store.open(KEY, "m2")).duplicate


async def test_a_message_committed_by_another_worker_is_a_duplicate(store: ContextStore) -> None:
    """A suspended worker that commits late changes nothing, even with a stale version."""
    stale = await changed(store, by="frozen")
    await store.commit(KEY, "m1", await changed(store, by="next"), [], attempt_id="r1")
    assert (await store.commit(KEY, "m1", stale, [A], attempt_id="r2")).status == "duplicate"
    found = await store.open(KEY, "m")
    assert found.context.storage == {"by": "next"}
    assert (await store.claim_send_lease(KEY, attempt_id="r2")).entries == ()


async def test_dedup_keys_are_bounded(store: ContextStore) -> None:
    """A user who writes without end costs no more memory; the oldest keys are forgotten first.

    A cache forgets them in groups.
    """
    for number in range(12):
        await store.commit(KEY, f"m{number}", await changed(store), [], attempt_id="r")
    for reread in (False, True):
        known = [(await store.open(KEY, f"m{number}", reread=reread)).duplicate for number in range(12)]
        assert known in [[False] * (7 - more) + [True] * (5 + more) for more in range(TRIM_EVERY)]


async def test_sent_entries_are_removed_one_by_one(store: ContextStore) -> None:
    """The next holder of the lease does not find them; a repeated removal does no harm."""
    committed = await store.commit(KEY, "m1", await changed(store), [A, A, B], attempt_id="r1")
    first = committed.send_lease.entries[0]
    await store.remove_sent(KEY, [first], attempt_id="r1")
    await store.remove_sent(KEY, [first], attempt_id="r1")
    await store.remove_sent(KEY, [], attempt_id="r1", end_lease=True)
    left = (await store.claim_send_lease(KEY, attempt_id="r2")).entries
    assert [(entry.number, entry.reply) for entry in left] == [(1, A), (2, B)]


async def test_one_attempt_at_a_time_holds_the_send_lease(store: ContextStore) -> None:
    """The commit claims it; another attempt learns how long to wait, until the lease ends or the outbox is empty."""
    committed = await store.commit(KEY, "m1", await changed(store), [A, B], attempt_id="r1")
    assert committed.send_lease.wait == 0
    refused = await store.claim_send_lease(KEY, attempt_id="r2")
    assert refused.entries == ()
    assert 0 < refused.wait <= 15
    assert (await store.claim_send_lease(KEY, attempt_id="r1")).entries == committed.send_lease.entries

    await store.remove_sent(
        KEY, committed.send_lease.entries[:1], attempt_id="r2"
    )  # without the lease: the entry is removed, the lease stays
    await store.remove_sent(KEY, [], attempt_id="r2", end_lease=True)
    assert (await store.claim_send_lease(KEY, attempt_id="r2")).wait > 0
    await store.remove_sent(KEY, committed.send_lease.entries[1:], attempt_id="r1")
    await store.commit(KEY, "m2", await changed(store), [B], attempt_id="r2")
    assert [entry.dedup_key for entry in (await store.claim_send_lease(KEY, attempt_id="r2")).entries] == ["m2"]


async def test_a_commit_while_another_attempt_sends_gets_no_lease(store: ContextStore) -> None:
    """Its replies are behind those that are being sent."""
    await store.commit(KEY, "m1", await changed(store), [A], attempt_id="r1")
    second = await store.commit(KEY, "m2", await changed(store), [B], attempt_id="r2")
    assert second.status == "committed"
    assert second.send_lease.wait > 0
    assert second.send_lease.entries == ()
    await store.remove_sent(KEY, [], attempt_id="r1", end_lease=True)
    assert [entry.reply for entry in (await store.claim_send_lease(KEY, attempt_id="r2")).entries] == [A, B]


async def test_an_empty_outbox_needs_no_lease(store: ContextStore) -> None:
    """While the outbox is empty, an attempt need not wait for the send lease of another one."""
    assert (await store.commit(KEY, "m1", await changed(store), [], attempt_id="r1")).send_lease.wait == 0
    assert (await store.claim_send_lease(KEY, attempt_id="r2")).wait == 0


async def test_a_system_event_has_no_context(store: ContextStore) -> None:
    """Its dedup key is stored, so that it is handled once."""
    opened = await changed(store, SYSTEM, a=1)
    assert (await store.commit(SYSTEM, "m1", opened, [], attempt_id="r")).status == "committed"
    found = await store.open(SYSTEM, "m1")
    assert found.duplicate
    assert found.context.storage == {}


async def test_a_context_that_cannot_be_encoded_changes_nothing(store: ContextStore) -> None:
    """The error comes before the first write."""
    opened = await changed(store, bad=[])
    opened.context.storage["bad"].append({1})
    with pytest.raises(TypeError, match="bad"):
        await store.commit(KEY, "m1", opened, [A], attempt_id="r")
    found = await store.open(KEY, "m1")
    assert not found.duplicate
    assert isinstance(found.context, Context)


async def test_replies_set_aside_can_be_restored(store: ContextStore) -> None:
    """Once, however often both calls are repeated; meanwhile they do not block later replies."""
    committed = await store.commit(KEY, "m1", await changed(store), [A, B], attempt_id="r1")
    for _ in range(2):
        await store.remove_sent(KEY, committed.send_lease.entries, attempt_id="r1", end_lease=True, set_aside_as="m1")
    second = await store.commit(KEY, "m2", await changed(store), [A], attempt_id="r2")
    assert [entry.dedup_key for entry in second.send_lease.entries] == ["m2"]
    assert (await store.restore_set_aside(KEY, "m1", attempt_id="r3")).wait > 0  # another attempt holds the lease
    await store.remove_sent(KEY, second.send_lease.entries, attempt_id="r2", end_lease=True)
    for _ in range(2):
        restored = await store.restore_set_aside(KEY, "m1", attempt_id="r3")
        assert restored.entries == committed.send_lease.entries
    await store.remove_sent(KEY, committed.send_lease.entries, attempt_id="r3")
    assert (await store.restore_set_aside(KEY, "m1", attempt_id="r4")).entries == ()


async def test_contexts_can_be_listed_and_dropped(store: ContextStore) -> None:
    """Code outside of handlers lists the contexts of an account or of all, and drops one; its dedup keys stay."""
    before = datetime.now(UTC)
    users = [("wx1", f"o_{number}") for number in range(70)] + [("wx2", "o_1")]
    for appid, openid in users:
        key = ContextKey.of_user(appid, openid)
        opened = await store.open(key, "m1")
        await store.commit(key, "m1", opened, [], attempt_id="r")

    everyone = [one async for one in store.list()]
    assert {(one.appid, one.openid) for one in everyone} == set(users)
    assert all(before < one.expires_at < before + timedelta(hours=2) for one in everyone)
    assert [one.openid async for one in store.list("wx2")] == ["o_1"]

    assert await store.drop("wx2", "o_1")
    assert not await store.drop("wx2", "o_1")
    assert await store.get("wx2", "o_1") is None
    assert [one async for one in store.list("wx2")] == []
    assert (await store.open(ContextKey.of_user("wx2", "o_1"), "m1")).duplicate
    assert len([one async for one in store.list()]) == 70


async def test_a_dropped_context_refuses_the_commit_of_a_running_handler(store: ContextStore) -> None:
    """The handler runs again on a new context: nothing of the dropped one returns."""
    await store.commit(KEY, "m1", await changed(store, a=1), [], attempt_id="r")
    opened = await changed(store, b=2)
    await store.drop("wx1", "o_1")
    assert (await store.commit(KEY, "m2", opened, [], attempt_id="r")).status == "conflict"
    assert (await store.open(KEY, "m2")).context.storage == {}
