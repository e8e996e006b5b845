"""A token that WeChat killed: however many report it, one refresh; force only when nothing else helps."""

import asyncio

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import WeChat, World
from wxbus.errors import TokenUnavailable, WeChatUnavailable

pytestmark = pytest.mark.integration

DEAD = "SECRET-TOKEN-1"
NEXT = "SECRET-TOKEN-2"


async def test_a_storm_of_reports_is_one_refresh(world: World, wechat: WeChat) -> None:
    """Five hundred callers on four instances report one dead token: one fetch, and all get the new one."""
    instances = [await world.instance() for _ in range(4)]
    for instance in instances:
        assert await instance.get() == DEAD
    wechat.made += 1
    tokens = await asyncio.gather(*(instances[n % 4].report(DEAD) for n in range(500)))
    assert set(tokens) == {NEXT}
    assert (wechat.fetches, wechat.forced) == (2, 0)
    assert {await instance.get() for instance in instances} == {NEXT}


async def test_a_storm_on_a_token_that_only_force_replaces(world: World, wechat: WeChat) -> None:
    """Normal mode gives the very token that was reported: it is forced, once for all instances."""
    instances = [await world.instance() for _ in range(4)]
    wechat.killed.add(DEAD)
    await asyncio.gather(*(instance.get() for instance in instances))
    tokens = await asyncio.gather(*(instances[n % 4].report(DEAD) for n in range(500)))
    assert set(tokens) == {NEXT}
    assert (wechat.fetches, wechat.forced) == (3, 1)


@pytest.mark.parametrize("reported", [DEAD, "SECRET-NEVER-SEEN"])
async def test_a_report_of_another_token_changes_nothing(world: World, wechat: WeChat, reported: str) -> None:
    """One that was replaced before, or that we never gave: the current one is the answer, WeChat is not asked."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.made += 1
    assert await one.report(DEAD) == NEXT
    fetches = wechat.fetches
    assert await one.report(reported) == NEXT
    assert await two.report(reported) == NEXT
    assert wechat.fetches == fetches


async def test_a_report_while_nothing_is_known_fetches(world: World, wechat: WeChat) -> None:
    """Redis lost everything, and WeChat's normal mode gives the reported token again: it is forced."""
    one = await world.instance()
    wechat.killed.add(DEAD)
    assert await one.report(DEAD) == NEXT
    assert (wechat.fetches, wechat.forced) == (3, 1)


async def test_other_instances_stop_serving_a_dead_token(world: World, wechat: WeChat) -> None:
    """From its next reading on, an instance that did not get the report serves the new token."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    await two.get()
    wechat.made += 1
    await one.report(DEAD)
    await two.authority.tick()
    assert await two.get() == NEXT
    assert wechat.fetches == 2


async def test_what_was_not_confirmed_for_long_is_looked_up(world: World, wechat: WeChat) -> None:
    """An instance that was frozen wakes with an old token in memory: it looks before it serves."""
    one, frozen = await world.instance(), await world.instance()
    await frozen.get()
    wechat.made += 1
    await one.report(DEAD)
    world.clock.now += 60
    assert await frozen.get() == NEXT


async def test_a_dead_token_is_served_to_nobody(world: World, wechat: WeChat) -> None:
    """Reported and not replaced, since WeChat is away: callers get a reason, on every instance, not the dead token."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.killed.add(DEAD)
    wechat.error = WeChatUnavailable("no answer")
    with pytest.raises(TokenUnavailable):
        await one.report(DEAD)
    await two.authority.tick()
    for instance in (one, two):
        with pytest.raises(TokenUnavailable):
            await instance.get()
    assert wechat.fetches == 2


async def test_forced_at_most_every_30_s(world: World, wechat: WeChat) -> None:
    """The limit holds for all instances together; meanwhile WeChat is left alone, and callers are told how long."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.killed |= {DEAD, NEXT}
    assert await one.report(DEAD) == NEXT
    fetches = wechat.fetches
    for instance in (two, one, two):
        with pytest.raises(TokenUnavailable, match="forced") as caught:
            await instance.report(NEXT)
        assert 0 < (caught.value.retry_after or 0) <= 30
    assert (wechat.fetches, wechat.forced) == (fetches + 1, 1)

    await world.time_passes(31)
    assert await two.report(NEXT) == "SECRET-TOKEN-3"
    assert wechat.forced == 2


async def test_forced_at_most_20_times_a_day(world: World, wechat: WeChat) -> None:
    """The twenty-first is not made; normal mode is asked every minute, and its next token is everybody's."""
    one, two = await world.instance(), await world.instance()
    token = await one.get()
    for _ in range(20):
        wechat.killed.add(token)
        token = await one.report(token)
        await world.time_passes(31)
    wechat.killed.add(token)
    with pytest.raises(TokenUnavailable, match="forced") as caught:
        await two.report(token)
    assert 0 < (caught.value.retry_after or 0) <= 60
    forced = await two.credential_store.forced(two.manager.credential)
    assert (forced.in_day, wechat.forced) == (20, 20)
    assert 86_400 - 21 * 31 < forced.wait < 86_400
    wechat.made += 1
    await world.time_passes(61)
    await world.refreshes(one)
    assert await one.get() == await two.get() == wechat.current
    assert wechat.forced == 20


async def test_a_late_holder_does_not_force(world: World, wechat: WeChat) -> None:
    """A forced refresh kills the token before at once: a holder that froze must not kill the next holder's."""
    frozen, other = await world.instance(), await world.instance()
    await frozen.get()
    wechat.killed.add(DEAD)
    async with wechat.answering_late(frozen.report(DEAD)) as late:
        await world.lease_lapses()
        assert await other.report(DEAD) == NEXT
    assert await late == NEXT
    assert wechat.forced == 1


async def test_force_that_does_not_help_is_not_repeated(world: World, wechat: WeChat) -> None:
    """WeChat gives the dead token even by force: a reason and a wait, no loop."""
    one = await world.instance()
    await one.get()
    # By force it makes a token of the same value.
    wechat.__class__ = type("Stubborn", (WeChat,), {"current": DEAD})
    wechat.killed.add(DEAD)
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="even by force"):
            await one.report(DEAD)
    assert (wechat.fetches, wechat.forced) == (3, 1)


async def test_reports_without_redis(world: World, wechat: WeChat) -> None:
    """Redis away: a report of an old token is answered from memory; the dead one in memory is not served again."""
    one = await world.instance()
    await one.get()
    await one.proxy.refuse()
    assert await one.report("SECRET-OLD") == DEAD
    wechat.killed.add(DEAD)
    with pytest.raises(TokenUnavailable, match="store is away"):
        await one.report(DEAD)
    with pytest.raises(TokenUnavailable, match="store is away"):
        await one.get()
    assert wechat.fetches == 1


async def test_a_token_that_died_before_it_was_stored_is_not_stored_later(world: World, wechat: WeChat) -> None:
    """Redis was away for it and came back after WeChat had refused it: the one that came since is everybody's."""
    one = await world.instance(without_store=True)
    async with wechat.answering_late(one.get()) as caller:
        await one.proxy.refuse()
    assert await caller == DEAD
    wechat.made += 1
    assert await one.report(DEAD) == NEXT
    await one.proxy.listen()
    await world.refreshes(one)
    assert await one.get() == NEXT
    await world.lease_lapses()  # it could not be given back
    assert await (await world.instance()).get() == NEXT
    assert wechat.forced == 0


async def test_the_history_is_hashed_and_short(world: World, redis: "Redis", wechat: WeChat) -> None:
    """What Redis remembers of earlier tokens is a bounded number of digests."""
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
    """WeChat accepts the reported token: everybody keeps it, nothing is fetched or forced, by any number of reports."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    for _ in range(30):
        for instance in (one, two):
            assert await instance.report(DEAD) == DEAD
            assert await instance.get() == DEAD
        await world.time_passes(1)
    assert (wechat.fetches, wechat.forced) == (1, 0)
    assert (await world.record())["dead"] == "0"


async def test_false_reports_have_a_budget(world: World, wechat: WeChat) -> None:
    """A caller that was wrong ten times is given the token in use, unchecked, for a minute; others are checked."""
    one = await world.instance()
    await one.get()
    for _ in range(50):
        assert await one.report(DEAD, by="liar") == DEAD
        await world.time_passes(0.1)
        await world.forget_the_check()
    assert wechat.checks == 10
    assert await one.report(DEAD, by="another") == DEAD
    assert wechat.checks == 11
    wechat.killed.add(DEAD)
    await world.forget_the_check()
    assert await one.report(DEAD, by="liar") == DEAD, "not checked"
    await world.time_passes(60)
    assert await one.report(DEAD, by="liar") == NEXT
    assert wechat.forced == 1


async def test_right_reports_cost_no_budget(world: World, wechat: WeChat) -> None:
    """However many tokens WeChat kills, each report of a dead one is believed."""
    one = await world.instance()
    token = await one.get()
    for _ in range(30):
        wechat.made += 1
        token = await one.report(token)
        assert token == wechat.current


async def test_a_report_that_cannot_be_checked_is_asked_about_in_normal_mode(world: World, wechat: WeChat) -> None:
    """The check has no answer: the token WeChat gives now is used, the same or another; never is one forced."""
    one = await world.instance()
    await one.get()
    wechat.check_error = WeChatUnavailable("no answer")
    assert await one.report(DEAD) == DEAD
    await world.time_passes(61)
    wechat.made += 1
    assert await one.report(DEAD) == NEXT
    assert (wechat.fetches, wechat.forced) == (3, 0)


async def test_a_report_while_wechat_is_away_withholds_nothing(world: World, wechat: WeChat) -> None:
    """Neither check nor fetch has an answer: the reporter is told to wait, the token stays in use everywhere."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.error = wechat.check_error = WeChatUnavailable("no answer")
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="no answer"):
            await one.report(DEAD)
        for instance in (one, two):
            await instance.authority.tick()
            assert await instance.get() == DEAD


async def test_without_redis_a_false_report_withholds_nothing(world: World, wechat: WeChat) -> None:
    """The check needs no Redis: the token that WeChat accepts is served on from memory."""
    one = await world.instance()
    await one.get()
    await one.proxy.refuse()
    assert await one.report(DEAD) == DEAD
    assert await one.get() == DEAD
    assert wechat.checks == 1


async def test_forced_refreshes_that_are_used_up_stop_neither_normal_mode_nor_serving(
    world: World, wechat: WeChat
) -> None:
    """No forced refresh is allowed: a token that WeChat accepts after all is served, the next of normal mode taken."""
    one, two = await world.instance(), await world.instance()
    await one.get()
    wechat.killed |= {DEAD, NEXT}
    assert await one.report(DEAD) == NEXT
    with pytest.raises(TokenUnavailable, match="limit of forced refreshes"):
        await two.report(NEXT)
    assert (await world.record())["fail_state"] == "force_limit"
    wechat.killed.clear()
    assert (await one.manager.refresh()).value == NEXT, "an operator's refresh heals it at once"
    assert await two.get() == NEXT
    assert wechat.forced == 1


async def test_a_token_is_replaced_on_demand_within_the_limits(world: World, wechat: WeChat) -> None:
    """It has leaked: a new one is forced; a second time within 30 s it is refused, and the token stays in use."""
    one = await world.instance()
    await one.get()
    assert (await one.manager.refresh(replace=True)).value == NEXT
    with pytest.raises(TokenUnavailable, match="limit of forced refreshes") as caught:
        await one.manager.refresh(replace=True)
    assert 0 < (caught.value.retry_after or 0) <= 30
    assert await one.get() == NEXT
    assert wechat.forced == 1
