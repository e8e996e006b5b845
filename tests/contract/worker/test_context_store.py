"""One contract for two context stores: the fake that unit tests use, and Redis."""

from collections.abc import AsyncIterator

import pytest

from tests.support.worker import REDIS_PATIENCE
from wxbus.store.store import Store
from wxbus.wechat import reply
from wxbus_worker.context.context import Context, ContextPolicy
from wxbus_worker.store.ports import ContextKey, ContextStore, Opened
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.testing import MemoryContextStore

KEY = ContextKey("wx1", "o_1", "wx1:o_1")
OTHER = ContextKey("wx1", "o_2", "wx1:o_2")
SYSTEM = ContextKey("wx1", None, "wx1:order1")
A, B = reply.Text("a"), reply.Image("b")


@pytest.fixture
def memory_store() -> ContextStore:
    """The fake."""
    return MemoryContextStore(most_remembered=5)


@pytest.fixture
async def redis_store(redis_url: str, namespace: str, redis: object) -> AsyncIterator[ContextStore]:
    """The real one; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        yield RedisContextStore(store, namespace=namespace, policy=ContextPolicy(), most_remembered=5)


@pytest.fixture(params=["memory_store", pytest.param("redis_store", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> ContextStore:
    """One of them."""
    adapter: ContextStore = request.getfixturevalue(request.param)
    return adapter


async def changed(store: ContextStore, key: ContextKey = KEY, **storage: object) -> Opened:
    """A lane opened for message `m`, with something put into its storage."""
    opened = await store.open(key, "m")
    opened.context.storage.update(storage)
    return opened


async def test_what_one_message_keeps_the_next_one_finds(store: ContextStore) -> None:
    """A commit writes the context, and the version counts it."""
    opened = await changed(store, step="address", 城市="北京")
    assert (await store.commit(KEY, "m1", opened, [], attempt_id="r")).status == "committed"

    found = await store.open(KEY, "m2")
    assert found.context.storage == {"step": "address", "城市": "北京"}
    assert found.version > opened.version


async def test_other_code_reads_contexts(store: ContextStore) -> None:
    """None if there is none, or a new one that is kept nowhere; what was committed, if there is one."""
    assert await store.get("wx1", "o_1") is None
    created = await store.get("wx1", "o_1", create=True)
    assert created is not None
    assert (created.openid, created.storage) == ("o_1", {})
    assert await store.get("wx1", "o_1") is None
    await store.commit(KEY, "m1", await changed(store, a=1), [], attempt_id="r")
    found = await store.get("wx1", "o_1")
    assert found is not None
    assert found.storage == {"a": 1}


async def test_a_context_is_removed_by_the_commit_of_its_end(store: ContextStore) -> None:
    """With its event's marker and replies, if it is still as it was read; the ids of its messages stay."""
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


async def test_restore_drops_the_contexts_of_all_users(store: ContextStore) -> None:
    """And nothing else: no message is handled again for it, no reply is lost."""
    for key in (KEY, OTHER):
        await store.commit(key, "m1", await changed(store, key, a=1), [A], attempt_id="r")
    assert await store.drop_all() == 2
    assert await store.drop_all() == 0
    for key in (KEY, OTHER):
        opened = await store.open(key, "m1")
        assert (opened.context.storage, opened.version, opened.duplicate) == ({}, 0, True)
        assert [entry.reply for entry in (await store.claim_send_lease(key, attempt_id="r")).entries] == [A]


async def test_a_context_that_was_removed_meanwhile_conflicts_whatever_became_of_it(store: ContextStore) -> None:
    """A new context under the same key never has the version of the old one: who slept all the time notices."""
    await store.commit(KEY, "m1", await changed(store, by="old"), [], attempt_id="r")
    slept = await changed(store, by="old")
    await store.drop_all()
    assert (await store.commit(KEY, "m2", slept, [], attempt_id="r")).status == "conflict"
    await store.commit(KEY, "m3", await changed(store, by="new"), [], attempt_id="r")
    assert (await store.commit(KEY, "m2", slept, [], attempt_id="r")).status == "conflict"
    assert (await store.open(KEY, "")).context.storage == {"by": "new"}


async def test_users_do_not_meet(store: ContextStore) -> None:
    """Another user's lane knows nothing of it: neither context nor ids nor outbox."""
    await store.commit(KEY, "m1", await changed(store, a=1), [A], attempt_id="r")
    other = await store.open(OTHER, "m1")
    assert (other.context.storage, other.version, other.duplicate) == ({}, 0, False)
    assert (await store.claim_send_lease(OTHER, attempt_id="r2")).entries == ()


async def test_a_stale_version_conflicts_and_writes_nothing(store: ContextStore) -> None:
    """Of two that read the same version only one may write, or an update would be lost."""
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
    """After an unknown outcome the same call may be made again: nothing is written twice, the replies are there."""
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
    """Whoever gets it again learns so before the handler runs."""
    await store.commit(KEY, "m1", await changed(store), [], attempt_id="r")
    assert (await store.open(KEY, "m1")).duplicate
    assert not (await store.open(KEY, "m2")).duplicate


async def test_a_message_committed_by_another_is_a_duplicate_whatever_version_was_read(store: ContextStore) -> None:
    """A frozen worker that wakes and commits late changes nothing."""
    stale = await changed(store, by="frozen")
    await store.commit(KEY, "m1", await changed(store, by="next"), [], attempt_id="r1")
    assert (await store.commit(KEY, "m1", stale, [A], attempt_id="r2")).status == "duplicate"
    found = await store.open(KEY, "m")
    assert found.context.storage == {"by": "next"}
    assert (await store.claim_send_lease(KEY, attempt_id="r2")).entries == ()


async def test_recent_ids_are_bounded(store: ContextStore) -> None:
    """A user who writes without end costs no more memory; the oldest ids are forgotten first."""
    for number in range(12):
        await store.commit(KEY, f"m{number}", await changed(store), [], attempt_id="r")
    known = [(await store.open(KEY, f"m{number}")).duplicate for number in range(12)]
    assert known == [False] * 7 + [True] * 5


async def test_entries_are_struck_off_one_by_one(store: ContextStore) -> None:
    """What was sent is gone for whoever takes the turn next; striking it off twice does no harm."""
    committed = await store.commit(KEY, "m1", await changed(store), [A, A, B], attempt_id="r1")
    first = committed.send_lease.entries[0]
    await store.remove_sent(KEY, [first], attempt_id="r1")
    await store.remove_sent(KEY, [first], attempt_id="r1")
    await store.remove_sent(KEY, [], attempt_id="r1", end_lease=True)
    left = (await store.claim_send_lease(KEY, attempt_id="r2")).entries
    assert [(entry.number, entry.reply) for entry in left] == [(1, A), (2, B)]


async def test_one_run_at_a_time_has_the_turn(store: ContextStore) -> None:
    """The commit takes it; another run is told how long to wait, until it is ended or nothing is left."""
    committed = await store.commit(KEY, "m1", await changed(store), [A, B], attempt_id="r1")
    assert committed.send_lease.wait == 0
    refused = await store.claim_send_lease(KEY, attempt_id="r2")
    assert refused.entries == ()
    assert 0 < refused.wait <= 15
    assert (await store.claim_send_lease(KEY, attempt_id="r1")).entries == committed.send_lease.entries

    await store.remove_sent(
        KEY, committed.send_lease.entries[:1], attempt_id="r2"
    )  # not its turn: the entry goes, the turn stays
    await store.remove_sent(KEY, [], attempt_id="r2", end_lease=True)
    assert (await store.claim_send_lease(KEY, attempt_id="r2")).wait > 0
    await store.remove_sent(KEY, committed.send_lease.entries[1:], attempt_id="r1")
    await store.commit(KEY, "m2", await changed(store), [B], attempt_id="r2")
    assert [entry.dedup_key for entry in (await store.claim_send_lease(KEY, attempt_id="r2")).entries] == ["m2"]


async def test_a_commit_while_another_sends_waits_for_its_turn(store: ContextStore) -> None:
    """Its replies stand behind those that are being sent."""
    await store.commit(KEY, "m1", await changed(store), [A], attempt_id="r1")
    second = await store.commit(KEY, "m2", await changed(store), [B], attempt_id="r2")
    assert second.status == "committed"
    assert second.send_lease.wait > 0
    assert second.send_lease.entries == ()
    await store.remove_sent(KEY, [], attempt_id="r1", end_lease=True)
    assert [entry.reply for entry in (await store.claim_send_lease(KEY, attempt_id="r2")).entries] == [A, B]


async def test_no_replies_need_no_turn(store: ContextStore) -> None:
    """Nothing to send, nobody waits."""
    assert (await store.commit(KEY, "m1", await changed(store), [], attempt_id="r1")).send_lease.wait == 0
    assert (await store.claim_send_lease(KEY, attempt_id="r2")).wait == 0


async def test_a_system_event_keeps_no_context(store: ContextStore) -> None:
    """Its id is remembered, so that it is handled once; a context under WeChat's own name is not opened."""
    opened = await changed(store, SYSTEM, a=1)
    assert (await store.commit(SYSTEM, "m1", opened, [], attempt_id="r")).status == "committed"
    found = await store.open(SYSTEM, "m1")
    assert found.duplicate
    assert found.context.storage == {}


async def test_a_context_that_cannot_be_kept_changes_nothing(store: ContextStore) -> None:
    """The error comes before anything is written."""
    opened = await changed(store, bad={1})
    with pytest.raises(TypeError, match="bad"):
        await store.commit(KEY, "m1", opened, [A], attempt_id="r")
    found = await store.open(KEY, "m1")
    assert not found.duplicate
    assert isinstance(found.context, Context)


async def test_what_was_set_aside_is_sent_when_it_is_resumed(store: ContextStore) -> None:
    """Once, however often both are repeated; meanwhile it stands before nobody's replies."""
    committed = await store.commit(KEY, "m1", await changed(store), [A, B], attempt_id="r1")
    for _ in range(2):
        await store.remove_sent(KEY, committed.send_lease.entries, attempt_id="r1", end_lease=True, set_aside_as="m1")
    second = await store.commit(KEY, "m2", await changed(store), [A], attempt_id="r2")
    assert [entry.dedup_key for entry in second.send_lease.entries] == ["m2"]
    assert (
        await store.restore_set_aside(KEY, "m1", attempt_id="r3")
    ).wait > 0  # it waits for the turn, behind what is being sent
    await store.remove_sent(KEY, second.send_lease.entries, attempt_id="r2", end_lease=True)
    for _ in range(2):
        resumed = await store.restore_set_aside(KEY, "m1", attempt_id="r3")
        assert resumed.entries == committed.send_lease.entries
    await store.remove_sent(KEY, resumed.entries, attempt_id="r3")
    assert (await store.restore_set_aside(KEY, "m1", attempt_id="r4")).entries == ()
