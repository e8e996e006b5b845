"""One authority: whoever asks, WeChat is asked once; what Redis or WeChat do, callers get a valid token or a reason."""

import asyncio
from collections.abc import Callable, Collection, Sequence

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import APPID, LIFETIME, WeChat, World
from wxbus.errors import TokenRefused, TokenUnavailable, UnknownAccount, WeChatError, WeChatUnavailable
from wxbus_token.credentials.record import Record
from wxbus_token.kinds import Credential
from wxbus_token.registry.notifications import Subscription

pytestmark = pytest.mark.integration

AWAY = WeChatUnavailable("/cgi-bin/stable_token: no answer in 5 s")


async def test_two_instances_are_one_fetch(world: World, wechat: WeChat) -> None:
    """A hundred callers of each of two instances, no token yet: WeChat is asked once."""
    one, two = await world.instance(), await world.instance()
    tokens = await asyncio.gather(*(instance.get() for instance in (one, two) for _ in range(100)))
    assert set(tokens) == {wechat.current}
    assert wechat.fetches == 1


async def test_who_has_not_the_lock_waits_and_looks_again(world: World, wechat: WeChat) -> None:
    """While one instance fetches, the other neither fetches nor fails: it gets what the first one fetched."""
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


async def test_who_gets_the_lock_looks_again(world: World, wechat: WeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another instance fetched between the look that found nothing and the lock: its token is taken."""
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


async def test_wait_timeout_has_an_end(world: World, wechat: WeChat) -> None:
    """A caller who waited long enough for another instance's fetch is told to come back."""
    one, two = await world.instance(), await world.instance(wait_timeout=0.0)
    wechat.gate.clear()
    first = asyncio.create_task(one.get())
    await wechat.asked.wait()
    with pytest.raises(TokenUnavailable, match="another instance") as caught:
        await two.get()
    assert caught.value.retry_after
    wechat.gate.set()
    await first


async def test_a_caller_that_goes_away_does_not_waste_the_fetch(world: World, wechat: WeChat) -> None:
    """The fetch goes on without its caller, and the next one is served from it."""
    one = await world.instance()
    wechat.gate.clear()
    caller = asyncio.create_task(one.get())
    await wechat.asked.wait()
    caller.cancel()
    wechat.gate.set()
    assert await one.get() == wechat.current
    assert wechat.fetches == 1


async def test_a_late_holder_cannot_write(world: World, wechat: WeChat) -> None:
    """A holder that froze past its lease: its older token is refused, and it serves the newer one itself."""
    frozen, other = await world.instance(), await world.instance()
    async with wechat.answering_late(frozen.get()) as late:
        await world.lease_lapses()
        wechat.made += 1
        assert await other.get() == wechat.current == "SECRET-TOKEN-2"
        stored = await world.record()

    assert await late == "SECRET-TOKEN-2"
    assert await world.record() == stored


async def test_a_late_holder_cannot_write_into_a_redis_that_lost_its_number(
    world: World, redis: "Redis", wechat: WeChat
) -> None:
    """Redis came back empty and the next holder drew a number there: the one before is late all the same."""
    frozen, other = await world.instance(), await world.instance()
    async with wechat.answering_late(frozen.get()) as late:
        await redis.delete(world.key("lock"), world.key("lock:fence"))
        wechat.made += 1
        assert await other.get() == wechat.current == "SECRET-TOKEN-2"
        stored = await world.record()

    assert await late == "SECRET-TOKEN-2"
    assert await world.record() == stored


async def test_a_late_holder_cannot_write_even_before_the_next_one_did(world: World, wechat: WeChat) -> None:
    """From the moment another has the lock, what the one before brings is too late."""
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
    assert not done, "it waits for the one who has the lock"
    assert not await world.record()
    second_gate.set()
    assert await late == await next_one == "SECRET-TOKEN-2"


async def test_a_restarted_instance_takes_what_redis_has(world: World, wechat: WeChat) -> None:
    """A new process asks Redis, not WeChat."""
    assert await (await world.instance()).get() == wechat.current
    assert await (await world.instance()).get() == wechat.current
    assert wechat.fetches == 1


async def test_without_redis_a_valid_token_is_served_from_memory(world: World, wechat: WeChat) -> None:
    """Redis away: who has a valid token serves it, to its end; who has none says so, and when to come back."""
    one, empty = await world.instance(), await world.instance()
    await one.get()
    for instance in (one, empty):
        await instance.proxy.refuse()
        await instance.authority.tick()
    for _ in range(10):
        world.clock.now += 600
        assert await one.get() == wechat.current
    with pytest.raises(TokenUnavailable, match="store is away") as caught:
        await empty.get()
    assert caught.value.retry_after
    world.clock.now += LIFETIME
    with pytest.raises(TokenUnavailable, match="store is away"):
        await one.get()

    await empty.proxy.listen()
    assert await empty.get() == wechat.current
    assert wechat.fetches == 1


async def test_a_black_hole_is_noticed_by_the_first_caller(world: World, wechat: WeChat) -> None:
    """Redis stops answering between two readings: the caller gets the token from memory all the same."""
    one = await world.instance()
    await one.get()
    world.clock.now += 10
    one.proxy.blackhole()
    assert await one.get() == wechat.current


async def test_redis_that_lost_its_data_does_no_harm(world: World, redis: "Redis", wechat: WeChat) -> None:
    """An empty Redis: what is in memory serves on; who has nothing fetches."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    await redis.delete(world.key("record"), world.key("lock"), world.key("lock:fence"))
    await one.authority.tick()
    assert await one.get() == wechat.current
    assert wechat.fetches == 1
    assert await two.get() == wechat.current
    assert wechat.fetches == 2


async def test_a_fetched_token_that_cannot_be_stored_is_served(world: World, wechat: WeChat) -> None:
    """Redis goes away during the fetch: the token, which may be the only valid one, is not thrown away."""
    one = await world.instance()
    async with wechat.answering_late(one.get()) as caller:
        await one.proxy.refuse()
    assert await caller == wechat.current
    assert await one.get() == wechat.current
    assert wechat.fetches == 1


async def test_a_write_whose_answer_was_lost_is_repeated(world: World, wechat: WeChat) -> None:
    """The write ran and its answer was lost: it is repeated with the same number, and that is no late writer."""
    one, two = await world.instance(), await world.instance()
    async with wechat.answering_late(one.get()) as caller:
        one.proxy.hold_answers()
    assert await caller == wechat.current
    one.proxy.flow()
    assert await two.get() == wechat.current
    assert wechat.fetches == 1


async def test_wechat_away_is_not_noticed_until_the_token_ends(world: World, wechat: WeChat) -> None:
    """The refresh fails again and again: the valid token is served to its end, then TokenUnavailable says when."""
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


async def test_a_failing_wechat_is_not_hammered(world: World, wechat: WeChat) -> None:
    """A hundred callers on three instances while WeChat is away: one question, and the next only after the wait."""
    instances = [await world.instance() for _ in range(3)]
    wechat.error = AWAY
    outcomes = await asyncio.gather(*(i.get() for i in instances for _ in range(100)), return_exceptions=True)
    assert all(isinstance(outcome, TokenUnavailable) for outcome in outcomes)
    assert wechat.fetches == 1

    waits = []
    for _ in range(8):
        waits.append(float((await world.record())["fail_until"]))
        await world.time_passes(70 * 1.3)
        with pytest.raises(TokenUnavailable) as caught:
            await instances[0].get()
        waits[-1] = caught.value.retry_after or 0.0
    assert wechat.fetches == 9
    assert waits[0] < waits[-1] <= 60 * 1.3, "the wait grows, to a minute"


@pytest.mark.parametrize("errcode", [40001, 40125, 40013, 40164, 40243, 89503, 45009])
async def test_what_waiting_cannot_heal_is_a_state(
    world: World, wechat: WeChat, monkeypatch: pytest.MonkeyPatch, errcode: int
) -> None:
    """Wrong secret, address not allowed, quota used up: an error of its own with WeChat's code, and no loop."""
    monkeypatch.setattr(
        "wxbus_token.credentials.failures.until_next_day", lambda _: 7200.0
    )  # a quota ends with the day
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
    """The refusal was of the old secret: an instance started with the new one does not wait for its end."""
    wechat.error = WeChatError(40125, "invalid appsecret", call="/cgi-bin/stable_token")
    with pytest.raises(TokenRefused):
        await (await world.instance()).get()
    wechat.error = None
    assert await (await world.instance(secret="SECRET-NEW")).get() == wechat.current


async def test_a_refused_refresh_does_not_end_a_valid_token(world: World, wechat: WeChat) -> None:
    """The secret was frozen after the fetch: the token is served to its end."""
    one = await world.instance()
    await one.get()
    wechat.error = WeChatError(40243, "frozen", call="/cgi-bin/stable_token")
    await world.time_passes(LIFETIME - 60)
    await world.refreshes(one)
    assert wechat.fetches == 2
    assert await one.get() == wechat.current


async def test_refreshed_ahead_of_its_end(world: World, wechat: WeChat) -> None:
    """Before WeChat's overlap begins nothing is asked; then one instance refreshes, and all serve the new token."""
    instances = [await world.instance() for _ in range(3)]
    await instances[0].get()
    await world.time_passes(LIFETIME - 301)
    await world.refreshes(*instances)
    assert wechat.fetches == 1

    await world.time_passes(62)
    wechat.made += 1
    await world.refreshes(*instances)
    await world.refreshes(*instances)
    assert [await instance.get() for instance in instances] == ["SECRET-TOKEN-2"] * 3
    assert wechat.fetches == 2


async def test_while_it_is_refreshed_the_old_one_is_served(world: World, wechat: WeChat) -> None:
    """No caller waits for a refresh ahead of expiry."""
    one = await world.instance()
    await one.get()
    await world.time_passes(LIFETIME - 100)
    wechat.gate.clear()
    wechat.asked.clear()
    await one.authority.tick()
    await wechat.asked.wait()
    assert await one.get() == "SECRET-TOKEN-1"
    wechat.gate.set()


async def test_the_loop_survives_its_errors(world: World, wechat: WeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever one reading throws, the next one is made."""
    one = await world.instance()
    seen = asyncio.Event()
    calls = 0

    async def tick(_names: Collection[str] | None = None) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a bug")
        seen.set()

    monkeypatch.setattr(one.authority, "tick", tick)
    loop = asyncio.create_task(one.authority.run(Subscription()))
    await seen.wait()
    loop.cancel()
    await asyncio.wait([loop])
    assert not wechat.fetches


async def test_an_unknown_account_is_named(world: World) -> None:
    """Only accounts of the accounts file with a secret have a token."""
    one = await world.instance()
    with pytest.raises(UnknownAccount):
        one.authority.manager("access_token", "wx-other")
    assert one.authority.manager("access_token", APPID)


async def test_closing_frees_the_lock(world: World, redis: "Redis", wechat: WeChat) -> None:
    """An instance that is stopped in the middle of a fetch leaves nobody waiting for its lease."""
    one = await world.instance()
    wechat.gate.clear()
    caller = asyncio.create_task(one.get())
    await wechat.asked.wait()
    await one.authority.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not await redis.exists(world.key("lock"))


async def test_no_secret_in_what_is_shown(world: World, wechat: WeChat, logs: Callable[[], str]) -> None:
    """Objects that reach logs and tracebacks show no token; what was done is logged."""
    one = await world.instance()
    held = await one.manager.get()
    (record,) = await one.credential_store.read([one.manager.credential])
    assert "SECRET-" not in f"{held!r} {record!r} {await wechat.fetch(force=False)!r}"
    assert "token.fetched" in logs()
