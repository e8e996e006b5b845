"""One fetch for all callers; whatever fails, callers get a valid token or an error that says when to ask again."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from unittest.mock import ANY

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import APPID, LIFETIME, WeChat, World
from tests.support.token_service import eventually
from wxbus.aio.background import background
from wxbus.errors import TokenRefused, TokenUnavailable, UnknownAccount, WeChatError, WeChatUnavailable
from wxbus_token.credentials.refresh_loop import RefreshLoop
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.kinds import Credential
from wxbus_token.registry.notifications import Subscription

pytestmark = pytest.mark.integration

AWAY = WeChatUnavailable("/cgi-bin/stable_token: no answer in 5 s")
SILENCE = 6.0
"""Seconds after which a Redis without an answer counts as unavailable; one that is only busy has answered by then."""


async def test_two_instances_fetch_once(world: World, wechat: WeChat) -> None:
    """A hundred callers of each of two instances without a token cause one fetch."""
    one, two = await world.instance(), await world.instance()
    tokens = await asyncio.gather(*(instance.get() for instance in (one, two) for _ in range(100)))
    assert set(tokens) == {wechat.current}
    assert wechat.fetches == 1


async def test_an_instance_without_the_lock_waits(world: World, wechat: WeChat) -> None:
    """While one instance fetches, another one neither fetches nor fails: it returns the first one's value."""
    one, two = await world.instance(), await world.instance()
    wechat.gate.clear()
    first = asyncio.create_task(one.get())
    await wechat.asked.wait()
    second = asyncio.create_task(two.get())
    done, _ = await asyncio.wait([second], timeout=0.3)
    assert not done
    wechat.gate.set()
    assert await first == await second == wechat.current
    assert wechat.fetches == 1


async def test_the_record_is_read_again_under_the_lock(
    world: World, wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another instance fetched between the first reading and the lock, its token is returned."""
    one, two = await world.instance(), await world.instance()
    read = two.credential_store.read

    async def read_and_be_overtaken(credentials: Sequence[Credential]) -> list[Record]:
        records = await read(credentials)
        monkeypatch.undo()
        await one.get()
        return records

    monkeypatch.setattr(two.credential_store, "read", read_and_be_overtaken)
    assert await two.get() == wechat.current
    assert wechat.fetches == 1


@pytest.mark.parametrize("polled", [False, True])
async def test_a_reading_does_not_replace_a_value_that_was_fetched_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch, polled: bool
) -> None:
    """The answer of Redis may be older than that of WeChat, which has ended the value that Redis had then."""
    one = await world.instance()
    await one.get()
    read = one.credential_store.read

    async def read_and_be_overtaken(credentials: Sequence[Credential]) -> list[Record]:
        records = await read(credentials)
        monkeypatch.undo()
        await one.manager.refresh(replace=True)
        return records

    monkeypatch.setattr(one.credential_store, "read", read_and_be_overtaken)
    await (one.refresh_loop.tick({one.manager.credential.name}) if polled else one.manager.read())
    assert await one.get() == "SECRET-TOKEN-2"


async def test_the_wait_for_another_instance_is_bounded(world: World, wechat: WeChat) -> None:
    """A caller that waited for another instance's fetch for `wait_timeout` gets an error with `retry_after`."""
    one, two = await world.instance(), await world.instance(wait_timeout=0.0)
    wechat.gate.clear()
    first = asyncio.create_task(one.get())
    await wechat.asked.wait()
    with pytest.raises(TokenUnavailable, match="another instance") as caught:
        await two.get()
    assert caught.value.retry_after
    wechat.gate.set()
    await first


async def test_a_fetch_outlives_its_caller(world: World, wechat: WeChat) -> None:
    """A cancelled caller does not stop the fetch; the next caller gets its value."""
    one = await world.instance()
    wechat.gate.clear()
    caller = asyncio.create_task(one.get())
    await wechat.asked.wait()
    caller.cancel()
    wechat.gate.set()
    assert await one.get() == wechat.current
    assert wechat.fetches == 1


async def test_a_stale_fence_cannot_write(world: World, wechat: WeChat) -> None:
    """An instance that froze past its lease cannot store its older token, and serves the newer one."""
    frozen, other = await world.instance(), await world.instance()
    async with wechat.answering_late(frozen.get()) as late:
        await world.lease_lapses()
        wechat.made += 1
        assert await other.get() == wechat.current == "SECRET-TOKEN-2"
        stored = await world.record()

    assert await late == "SECRET-TOKEN-2"
    assert await world.record() == stored


async def test_a_stale_fence_cannot_write_after_a_data_loss(world: World, redis: "Redis", wechat: WeChat) -> None:
    """Redis lost the fence and the next holder drew a new one: the fence from before is stale all the same."""
    frozen, other = await world.instance(), await world.instance()
    async with wechat.answering_late(frozen.get()) as late:
        await redis.delete(world.key("lock"), world.key("lock:fence"))
        wechat.made += 1
        assert await other.get() == wechat.current == "SECRET-TOKEN-2"
        stored = await world.record()

    assert await late == "SECRET-TOKEN-2"
    assert await world.record() == stored


async def test_a_fence_is_stale_before_the_next_holder_writes(world: World, wechat: WeChat) -> None:
    """As soon as another instance has the lock, the holder before it can store nothing."""
    frozen, other = await world.instance(), await world.instance()
    first_gate = wechat.gate = asyncio.Event()
    late = asyncio.create_task(frozen.get())
    await wechat.asked.wait()
    await world.lease_lapses()
    wechat.asked.clear()
    second_gate = wechat.gate = asyncio.Event()
    wechat.made += 1
    next_one = asyncio.create_task(other.get())
    await wechat.asked.wait()

    first_gate.set()
    done, _ = await asyncio.wait([late], timeout=0.3)
    assert not done, "it waits for the holder of the lock"
    assert not await world.record()
    second_gate.set()
    assert await late == await next_one == "SECRET-TOKEN-2"


async def test_a_restarted_instance_reads_redis(world: World, wechat: WeChat) -> None:
    """A new process reads the token from Redis and asks WeChat for none."""
    assert await (await world.instance()).get() == wechat.current
    assert await (await world.instance()).get() == wechat.current
    assert wechat.fetches == 1


async def test_without_redis_a_valid_token_is_served_from_memory(world: World, wechat: WeChat) -> None:
    """An instance with a valid token serves it until it expires; one without returns an error with `retry_after`."""
    one, empty = await world.instance(), await world.instance()
    await one.get()
    for instance in (one, empty):
        await instance.proxy.refuse()
        await instance.refresh_loop.tick()
    for _ in range(10):
        world.clock.now += 600
        assert await one.get() == wechat.current
    with pytest.raises(TokenUnavailable, match="Redis is unavailable") as caught:
        await empty.get()
    assert caught.value.retry_after
    world.clock.now += LIFETIME
    with pytest.raises(TokenUnavailable, match="Redis is unavailable"):
        await one.get()

    await empty.proxy.listen()
    assert await empty.get() == wechat.current
    assert wechat.fetches == 1


async def test_an_unresponsive_redis_does_not_stop_serving(world: World, wechat: WeChat) -> None:
    """If Redis stops answering between two readings, the caller gets the token from memory."""
    one = await world.instance(answer_timeout=SILENCE)
    await one.get()
    world.clock.now += 10
    one.proxy.blackhole()
    assert await one.get() == wechat.current


async def test_a_data_loss_of_redis_does_not_stop_serving(world: World, redis: "Redis", wechat: WeChat) -> None:
    """After a data loss an instance serves from memory; an instance without a token fetches one."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    await redis.delete(world.key("record"), world.key("lock"), world.key("lock:fence"))
    await one.refresh_loop.tick()
    assert await one.get() == wechat.current
    assert wechat.fetches == 1
    assert await two.get() == wechat.current
    assert wechat.fetches == 2


async def test_a_fetched_token_that_cannot_be_stored_is_served(world: World, wechat: WeChat) -> None:
    """If Redis fails during the fetch, the token is served, because it may be the only valid one."""
    one = await world.instance()
    async with wechat.answering_late(one.get()) as caller:
        await one.proxy.refuse()
    assert await caller == wechat.current
    assert await one.get() == wechat.current
    assert wechat.fetches == 1


async def test_a_write_whose_answer_was_lost_is_repeated(world: World, wechat: WeChat, logs: Callable[[], str]) -> None:
    """A write whose answer was lost is repeated with the same fence, and succeeds."""
    one, two = await world.instance(answer_timeout=SILENCE), await world.instance()
    async with wechat.answering_late(one.get()) as caller:
        one.proxy.hold_answers()

    async def given_up() -> bool:
        return "token.not_stored" in logs()

    await eventually(given_up)
    one.proxy.flow()
    assert await caller == wechat.current
    assert logs().count("token.not_stored") == 1
    assert await two.get() == wechat.current
    assert wechat.fetches == 1


async def test_with_wechat_away_a_token_is_served_until_it_expires(world: World, wechat: WeChat) -> None:
    """While refreshes fail the valid token is served until it expires; then callers get TokenUnavailable."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.error = AWAY
    for _ in range(LIFETIME // 60 - 1):
        await world.time_passes(60)
        await world.refreshes(one, two)
        assert {await one.get(), await two.get()} == {wechat.current}
    assert 2 <= wechat.fetches <= 7, "once a minute in the last five"

    await world.time_passes(120)
    for instance in (one, two):
        with pytest.raises(TokenUnavailable, match="no answer in 5 s") as caught:
            await instance.get()
        assert type(caught.value) is TokenUnavailable
        assert caught.value.retry_after

    wechat.error = None
    await world.time_passes(60 * 1.3)
    assert await two.get() == await one.get() == wechat.current


async def test_a_failure_makes_all_instances_wait(world: World, wechat: WeChat) -> None:
    """While WeChat is unavailable, all callers of three instances cause one fetch, and the next after the wait."""
    instances = [await world.instance() for _ in range(3)]
    wechat.error = AWAY
    outcomes = await asyncio.gather(*(i.get() for i in instances for _ in range(100)), return_exceptions=True)
    assert all(isinstance(outcome, TokenUnavailable) for outcome in outcomes)
    assert wechat.fetches == 1

    waits = []
    for _ in range(8):
        waits.append(float((await world.record())["failure_until"]))
        await world.time_passes(70 * 1.3)
        with pytest.raises(TokenUnavailable) as caught:
            await instances[0].get()
        waits[-1] = caught.value.retry_after or 0.0
    assert wechat.fetches == 9
    assert waits[0] < waits[-1] <= 60 * 1.3, "the wait grows, to a minute"


@pytest.mark.parametrize("errcode", [40001, 40125, 40013, 40164, 40243, 89503])
async def test_a_lasting_failure_is_not_repeated(world: World, wechat: WeChat, errcode: int) -> None:
    """A wrong secret or an address that is not allowed is TokenRefused with WeChat's code, on all instances."""
    instances = [await world.instance() for _ in range(3)]
    wechat.error = WeChatError(errcode, "refused", call="/cgi-bin/stable_token")
    for seconds in (0, 60, 60):
        await world.time_passes(seconds)
        for instance in instances:
            await world.refreshes(instance)
            with pytest.raises(TokenRefused, match=str(errcode)) as caught:
                await instance.get()
            assert caught.value.errcode == errcode
            assert (caught.value.retry_after or 0) > 60
    assert wechat.fetches == 1

    wechat.error = None
    await world.time_passes(5000)
    assert await instances[2].get() == wechat.current


async def test_a_new_secret_is_tried_at_once(world: World, wechat: WeChat) -> None:
    """An instance with a new secret does not wait after the refusal of the old one."""
    wechat.error = WeChatError(40125, "invalid appsecret", call="/cgi-bin/stable_token")
    with pytest.raises(TokenRefused):
        await (await world.instance()).get()
    wechat.error = None
    assert await (await world.instance(secret="SECRET-NEW")).get() == wechat.current


async def test_a_refused_refresh_does_not_end_a_valid_token(world: World, wechat: WeChat) -> None:
    """If WeChat refuses a refresh, the valid token is served until it expires."""
    one = await world.instance()
    await one.get()
    wechat.error = WeChatError(40243, "frozen", call="/cgi-bin/stable_token")
    await world.time_passes(LIFETIME - 60)
    await world.refreshes(one)
    assert wechat.fetches == 2
    assert await one.get() == wechat.current


async def test_a_token_is_refreshed_ahead_of_its_expiry(world: World, wechat: WeChat) -> None:
    """Once WeChat's overlap has begun, one instance refreshes the token, and all serve the new one."""
    instances = [await world.instance() for _ in range(3)]
    await instances[0].get()
    await world.time_passes(LIFETIME - 330)
    await world.refreshes(*instances)
    assert wechat.fetches == 1

    await world.time_passes(91)
    wechat.made += 1
    await world.refreshes(*instances)
    await world.refreshes(*instances)
    assert [await instance.get() for instance in instances] == ["SECRET-TOKEN-2"] * 3
    assert wechat.fetches == 2


async def test_during_a_refresh_the_old_token_is_served(world: World, wechat: WeChat) -> None:
    """No caller waits for a refresh ahead of expiry."""
    one = await world.instance()
    await one.get()
    await world.time_passes(LIFETIME - 100)
    wechat.gate.clear()
    wechat.asked.clear()
    await one.refresh_loop.tick()
    await wechat.asked.wait()
    assert await one.get() == "SECRET-TOKEN-1"
    wechat.gate.set()


class FaultyStore(CredentialStore):
    """Fails at the first reading with an error that no code handles."""

    def __init__(self) -> None:
        self._readings = 0
        self.read_again = asyncio.Event()

    async def changed(self, credentials: Sequence[Credential], _stamps: Sequence[bytes]) -> set[int]:
        """Return all of them."""
        return set(range(len(credentials)))

    async def read(self, _credentials: Sequence[Credential]) -> list[Record]:
        """Fail once, then return empty records."""
        self._readings += 1
        if self._readings == 1:
            raise RuntimeError("a bug")
        self.read_again.set()
        return [Record() for _ in _credentials]


async def test_the_refresh_loop_survives_errors(world: World) -> None:
    """The loop reads again after an unexpected error."""
    one = await world.instance()
    store = FaultyStore()
    async with background(RefreshLoop(one.authority, store, poll_interval=0.001).run(Subscription())):
        await store.read_again.wait()


async def test_a_poll_reads_only_what_has_changed(
    world: World, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unchanged record is confirmed without being read; a change by another instance is read, also one that is lost.

    Each state that a cached value depends on changes the stamp, or is due at every poll (decision 0025).
    """
    one, two = await world.instance(), await world.instance()
    first = await one.get()
    read, reads = two.credential_store.read, []

    async def counted(credentials: Sequence[Credential]) -> list[Record]:
        reads.append(len(credentials))
        return await read(credentials)

    monkeypatch.setattr(two.credential_store, "read", counted)

    async def reads_of_a_tick() -> int:
        reads.clear()
        await two.refresh_loop.tick()
        return sum(reads)

    assert [await reads_of_a_tick() for _ in range(3)] == [1, 0, 0]
    two.manager.cache.mark_store_unavailable()
    assert await reads_of_a_tick() == 0
    assert two.manager.cache.fresh() is not None
    assert await two.get() == first

    record, [before] = world.key("record"), await read([two.manager.credential])
    changes: dict[str, str | int] = {"digest": "other", "fence": 99, "expires_at": 1, "withdrawn": 1}
    for name, value in changes.items():
        kept = await redis.hget(record, name)
        await redis.hset(record, name, value)
        assert [await reads_of_a_tick() for _ in range(2)] == [1, 0], name
        await (redis.hset(record, name, kept) if kept else redis.hdel(record, name))
        assert await reads_of_a_tick() == 1, name
    assert await read([two.manager.credential]) == [replace(before, expires_in=ANY, refresh_in=ANY)]

    await redis.delete(record)
    assert [await reads_of_a_tick() for _ in range(2)] == [1, 0]
    assert await two.get() == first, "a lost record does not end a value in memory"


@pytest.mark.parametrize("field", ["rejected", "refresh_at"])
async def test_a_due_record_is_read_at_every_poll(world: World, redis: "Redis", field: str) -> None:
    """A refresh that fails is tried again although the record stays as it is."""
    one = await world.instance()
    await one.get()
    await one.refresh_loop.tick()
    await redis.hset(world.key("record"), field, 1)

    positions = await one.credential_store.changed([one.manager.credential], [one.manager.stamp])
    await one.manager.read()
    again = await one.credential_store.changed([one.manager.credential], [one.manager.stamp])

    assert positions == again == {0}


async def test_an_unknown_account_is_an_error(world: World) -> None:
    """An appid that is not among the accounts raises UnknownAccount."""
    one = await world.instance()
    with pytest.raises(UnknownAccount):
        one.authority.manager("access_token", "wx-other")
    assert one.authority.manager("access_token", APPID) is one.manager


async def test_closing_frees_the_lock(world: World, redis: "Redis", wechat: WeChat) -> None:
    """An instance that is stopped during a fetch releases the lock, so that others need not wait for the lease."""
    one = await world.instance()
    wechat.gate.clear()
    caller = asyncio.create_task(one.get())
    await wechat.asked.wait()
    await one.authority.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not await redis.exists(world.key("lock"))


async def test_reprs_and_logs_show_no_secret(world: World, wechat: WeChat, logs: Callable[[], str]) -> None:
    """The repr of cached values, records and fetched tokens has no token."""
    one = await world.instance()
    cached = await one.manager.get()
    (record,) = await one.credential_store.read([one.manager.credential])
    assert "SECRET-" not in f"{cached!r} {record!r} {await wechat.fetch(force=False)!r}"
    assert "token.fetched" in logs()
