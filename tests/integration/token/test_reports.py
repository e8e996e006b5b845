"""Reports of invalid tokens: one refresh for all of them, forced only if normal mode does not help."""

import asyncio

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import WeChat, World
from wxbus.errors import TokenUnavailable, WeChatUnavailable

pytestmark = pytest.mark.integration

FIRST = "SECRET-TOKEN-1"
SECOND = "SECRET-TOKEN-2"


async def test_concurrent_reports_cause_one_refresh(world: World, wechat: WeChat) -> None:
    """Five hundred callers of four instances report one invalid token: one fetch, and all get the new token."""
    instances = [await world.instance() for _ in range(4)]
    for instance in instances:
        assert await instance.get() == FIRST
    wechat.made += 1
    tokens = await asyncio.gather(*(instances[n % 4].report(FIRST) for n in range(500)))
    assert set(tokens) == {SECOND}
    assert (wechat.fetches, wechat.forced) == (2, 0)
    assert {await instance.get() for instance in instances} == {SECOND}


async def test_concurrent_reports_force_one_refresh(world: World, wechat: WeChat) -> None:
    """If normal mode returns the reported token, one refresh is forced for all instances."""
    instances = [await world.instance() for _ in range(4)]
    wechat.rejected.add(FIRST)
    await asyncio.gather(*(instance.get() for instance in instances))
    tokens = await asyncio.gather(*(instances[n % 4].report(FIRST) for n in range(500)))
    assert set(tokens) == {SECOND}
    assert (wechat.fetches, wechat.forced) == (3, 1)


@pytest.mark.parametrize("reported", [FIRST, "SECRET-NEVER-SEEN"])
async def test_a_report_of_another_token_changes_nothing(world: World, wechat: WeChat, reported: str) -> None:
    """A report of a replaced or unknown token is answered with the current one, without asking WeChat."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.made += 1
    assert await one.report(FIRST) == SECOND
    fetches = wechat.fetches
    assert await one.report(reported) == SECOND
    assert await two.report(reported) == SECOND
    assert wechat.fetches == fetches


async def test_a_report_without_a_record_fetches(world: World, wechat: WeChat) -> None:
    """After Redis lost its data, normal mode returns the reported token again, and a refresh is forced."""
    one = await world.instance()
    wechat.rejected.add(FIRST)
    assert await one.report(FIRST) == SECOND
    assert (wechat.fetches, wechat.forced) == (3, 1)


async def test_other_instances_stop_serving_a_rejected_token(world: World, wechat: WeChat) -> None:
    """After its next reading, an instance that did not get the report serves the new token."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    await two.get()
    wechat.made += 1
    await one.report(FIRST)
    await two.refresh_loop.tick()
    assert await two.get() == SECOND
    assert wechat.fetches == 2


async def test_an_unconfirmed_value_is_looked_up_first(world: World, wechat: WeChat) -> None:
    """An instance that was frozen reads Redis before it serves a token from memory."""
    one, frozen = await world.instance(), await world.instance()
    await frozen.get()
    wechat.made += 1
    await one.report(FIRST)
    world.clock.now += 60
    assert await frozen.get() == SECOND


async def test_a_rejected_token_is_not_served(world: World, wechat: WeChat) -> None:
    """A rejected token that cannot be replaced because WeChat is unavailable is served by no instance."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.rejected.add(FIRST)
    wechat.error = WeChatUnavailable("no answer")
    with pytest.raises(TokenUnavailable):
        await one.report(FIRST)
    await two.refresh_loop.tick()
    for instance in (one, two):
        with pytest.raises(TokenUnavailable):
            await instance.get()
    assert wechat.fetches == 2


async def test_refreshes_are_forced_at_most_every_30_s(world: World, wechat: WeChat) -> None:
    """All instances share the limit; callers get the time until the next forced refresh, and WeChat is not asked."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.rejected |= {FIRST, SECOND}
    assert await one.report(FIRST) == SECOND
    fetches = wechat.fetches
    for instance in (two, one, two):
        with pytest.raises(TokenUnavailable, match="forced") as caught:
            await instance.report(SECOND)
        assert 0 < (caught.value.retry_after or 0) <= 30
    assert (wechat.fetches, wechat.forced) == (fetches + 1, 1)

    await world.time_passes(31)
    assert await two.report(SECOND) == "SECRET-TOKEN-3"
    assert wechat.forced == 2


async def test_refreshes_are_forced_at_most_20_times_a_day(world: World, wechat: WeChat) -> None:
    """After 20 forced refreshes normal mode is asked every minute, and its next token is used."""
    one, two = await world.instance(), await world.instance()
    token = await one.get()
    for _ in range(20):
        wechat.rejected.add(token)
        token = await one.report(token)
        await world.time_passes(31)
    wechat.rejected.add(token)
    with pytest.raises(TokenUnavailable, match="forced") as caught:
        await two.report(token)
    assert 0 < (caught.value.retry_after or 0) <= 60
    forced = await two.quota.forced_counts(two.manager.credential)
    assert (forced.in_day, wechat.forced) == (20, 20)
    assert 86_400 - 21 * 31 < forced.wait < 86_400
    wechat.made += 1
    await world.time_passes(61)
    await world.refreshes(one)
    assert await one.get() == await two.get() == wechat.current
    assert wechat.forced == 20


async def test_a_stale_fence_does_not_force(world: World, wechat: WeChat) -> None:
    """A forced refresh invalidates the token before at once, so an instance that froze past its lease forces none."""
    frozen, other = await world.instance(), await world.instance()
    await frozen.get()
    wechat.rejected.add(FIRST)
    async with wechat.answering_late(frozen.report(FIRST)) as late:
        await world.lease_lapses()
        assert await other.report(FIRST) == SECOND
    assert await late == SECOND
    assert wechat.forced == 1


async def test_a_useless_forced_refresh_is_not_repeated(world: World, wechat: WeChat) -> None:
    """If WeChat returns the rejected token even by a forced refresh, callers get an error with a wait."""
    one = await world.instance()
    await one.get()
    # A forced refresh returns the same value.
    wechat.__class__ = type("Stubborn", (WeChat,), {"current": FIRST})
    wechat.rejected.add(FIRST)
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="even by a forced refresh"):
            await one.report(FIRST)
    assert (wechat.fetches, wechat.forced) == (3, 1)


async def test_reports_without_redis(world: World, wechat: WeChat) -> None:
    """While Redis is unavailable, reports are answered from memory, and a rejected token is not served again."""
    one = await world.instance()
    await one.get()
    await one.proxy.refuse()
    assert await one.report("SECRET-OLD") == FIRST
    wechat.rejected.add(FIRST)
    with pytest.raises(TokenUnavailable, match="Redis is unavailable"):
        await one.report(FIRST)
    with pytest.raises(TokenUnavailable, match="Redis is unavailable"):
        await one.get()
    assert wechat.fetches == 1


async def test_a_rejected_token_that_was_not_stored_is_not_stored_later(world: World, wechat: WeChat) -> None:
    """A token that was fetched without Redis and rejected meanwhile does not replace its successor."""
    one = await world.instance(without_store=True)
    async with wechat.answering_late(one.get()) as caller:
        await one.proxy.refuse()
    assert await caller == FIRST
    wechat.made += 1
    assert await one.report(FIRST) == SECOND
    await one.proxy.listen()
    await world.refreshes(one)
    assert await one.get() == SECOND
    await world.lease_lapses()  # it could not be released
    assert await (await world.instance()).get() == SECOND
    assert wechat.forced == 0


async def test_the_history_is_hashed_and_short(world: World, redis: "Redis", wechat: WeChat) -> None:
    """Redis has a bounded number of digests of earlier tokens."""
    one = await world.instance()
    token = await one.get()
    for _ in range(12):
        wechat.made += 1
        token = await one.report(token)
    history = (await world.record())["history"].split()
    assert len(history) == len(set(history)) == 8
    assert all(len(digest) == 32 for digest in history)
    assert await redis.ttl(world.key("record")) > 0


async def test_a_false_report_changes_nothing(world: World, wechat: WeChat) -> None:
    """If WeChat accepts the reported token, all keep it, and nothing is fetched or forced."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    for _ in range(30):
        for instance in (one, two):
            assert await instance.report(FIRST) == FIRST
            assert await instance.get() == FIRST
        await world.time_passes(1)
    assert (wechat.fetches, wechat.forced) == (1, 0)
    assert (await world.record())["rejected"] == "0"


async def test_false_reports_have_a_budget(world: World, wechat: WeChat) -> None:
    """After ten false reports a caller gets the token in use, unchecked, for a minute; other callers are checked."""
    one = await world.instance()
    await one.get()
    for _ in range(50):
        assert await one.report(FIRST, by="false reporter") == FIRST
        await world.time_passes(0.1)
        await world.forget_the_check()
    assert wechat.checks == 10
    assert await one.report(FIRST, by="another") == FIRST
    assert wechat.checks == 11
    wechat.rejected.add(FIRST)
    await world.forget_the_check()
    assert await one.report(FIRST, by="false reporter") == FIRST, "not checked"
    await world.time_passes(60)
    assert await one.report(FIRST, by="false reporter") == SECOND
    assert wechat.forced == 1


async def test_right_reports_cost_no_budget(world: World, wechat: WeChat) -> None:
    """Any number of true reports is checked."""
    one = await world.instance()
    token = await one.get()
    for _ in range(30):
        wechat.made += 1
        token = await one.report(token)
        assert token == wechat.current


async def test_a_report_that_cannot_be_checked_fetches_in_normal_mode(world: World, wechat: WeChat) -> None:
    """Without an answer to the check, the token that normal mode returns is used; no refresh is forced."""
    one = await world.instance()
    await one.get()
    wechat.check_error = WeChatUnavailable("no answer")
    assert await one.report(FIRST) == FIRST
    await world.time_passes(61)
    wechat.made += 1
    assert await one.report(FIRST) == SECOND
    assert (wechat.fetches, wechat.forced) == (3, 0)


async def test_a_report_while_wechat_is_away_keeps_the_token(world: World, wechat: WeChat) -> None:
    """With neither check nor fetch answered, the reporting caller gets an error, and the token stays in use."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.error = wechat.check_error = WeChatUnavailable("no answer")
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="no answer"):
            await one.report(FIRST)
        for instance in (one, two):
            await instance.refresh_loop.tick()
            assert await instance.get() == FIRST


async def test_without_redis_a_false_report_changes_nothing(world: World, wechat: WeChat) -> None:
    """The check needs no Redis: a token that WeChat accepts is served from memory."""
    one = await world.instance()
    await one.get()
    await one.proxy.refuse()
    assert await one.report(FIRST) == FIRST
    assert await one.get() == FIRST
    assert wechat.checks == 1


async def test_normal_mode_works_at_the_limit_of_forced_refreshes(world: World, wechat: WeChat) -> None:
    """Without a forced refresh left, a token that WeChat accepts again is served."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.rejected |= {FIRST, SECOND}
    assert await one.report(FIRST) == SECOND
    with pytest.raises(TokenUnavailable, match="limit of forced refreshes"):
        await two.report(SECOND)
    assert (await world.record())["failure_state"] == "force_limit"
    wechat.rejected.clear()
    assert (await one.manager.refresh()).value == SECOND, "an operator's refresh ends the state at once"
    assert await two.get() == SECOND
    assert wechat.forced == 1


async def test_a_token_is_replaced_on_demand_within_the_limits(world: World, wechat: WeChat) -> None:
    """`refresh(replace=True)` forces a new token; within 30 s a second one is refused, and the token stays in use."""
    one = await world.instance()
    await one.get()
    assert (await one.manager.refresh(replace=True)).value == SECOND
    with pytest.raises(TokenUnavailable, match="limit of forced refreshes") as caught:
        await one.manager.refresh(replace=True)
    assert 0 < (caught.value.retry_after or 0) <= 30
    assert await one.get() == SECOND
    assert wechat.forced == 1
