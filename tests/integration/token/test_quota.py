"""Requests to WeChat stay within our limits, whatever fails."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import APPID, WeChat, World
from tests.support.proxy import proxied
from tests.support.stores import open_store
from wxbus.errors import TokenRefused, TokenUnavailable, WeChatUnavailable
from wxbus.store.store import Store
from wxbus_token.credentials.errors import LimitReached
from wxbus_token.credentials.storage.quota import MINUTE, Quota
from wxbus_token.credentials.timing import CHINA, DAY

pytestmark = pytest.mark.integration

OTHER = "wx2"


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """Yield a store on the shared Redis."""
    async with open_store(redis_url) as store:
        yield store


@pytest.mark.usefixtures("redis")
async def test_all_instances_share_one_limit(store: Store, namespace: str) -> None:
    """Two instances together make as many requests as one alone; each account has its own limit."""
    quotas = [Quota(store, namespace=namespace, per_minute=1000, per_day=7) for _ in range(2)]
    for number in range(7):
        await quotas[number % 2].count(APPID)
    with pytest.raises(LimitReached, match="limit of 7 requests in a day") as caught:
        await quotas[1].count(APPID)
    assert 0 < caught.value.wait <= DAY
    assert caught.value.lasting
    await quotas[0].count(OTHER)
    assert [counts.in_day for counts in await quotas[1].counts([APPID, OTHER])] == [7, 1]


async def test_the_limit_per_minute_passes(store: Store, namespace: str, redis: "Redis") -> None:
    """Requests of earlier minutes and days do not count; the limit of a minute is not lasting."""
    with pytest.raises(LimitReached, match="in a minute") as caught:
        await Quota(store, namespace=namespace, per_minute=0, per_day=1000).count(APPID)
    assert 0 < caught.value.wait <= MINUTE
    assert not caught.value.lasting
    before = int((await redis.time())[0]) // MINUTE - 1
    key = f"{namespace}:token:{{requests:{APPID}}}:counts"
    await redis.hset(key, mapping={"minute": before, "in_minute": 5, "day": 1, "in_day": 1000})
    quota = Quota(store, namespace=namespace, per_minute=5, per_day=1000)
    await quota.count(APPID)
    assert [counts.in_day for counts in await quota.counts([APPID])] == [1]


@pytest.mark.usefixtures("redis")
async def test_without_redis_each_instance_counts_alone(redis_url: str, namespace: str) -> None:
    """An instance that may ask without Redis keeps to the same limits by itself, per minute and per day."""
    now = 1_790_000_000.0
    async with proxied(redis_url) as (proxy, url), Store.open(url) as store:
        await proxy.refuse()
        quota = Quota(store, namespace=namespace, per_minute=2, per_day=3, clock=lambda: now)
        for _ in range(2):
            await quota.count(APPID)
        with pytest.raises(LimitReached, match="in a minute"):
            await quota.count(APPID)
        now += MINUTE
        await quota.count(APPID)
        with pytest.raises(LimitReached, match="in a day") as caught:
            await quota.count(APPID)
        now += caught.value.wait
        assert (now + CHINA) % DAY == 0
        await quota.count(APPID)


async def test_a_reached_limit_has_its_own_state(world: World, wechat: WeChat, redis: "Redis") -> None:
    """Callers get the state `request_limit`; WeChat is not asked until the day is over, by `refresh` neither."""
    instances = [await world.instance(per_day=3) for _ in range(2)]
    wechat.error = WeChatUnavailable("/cgi-bin/stable_token: no answer in 5 s")
    for attempt in range(5):
        with pytest.raises(TokenUnavailable):
            await instances[attempt % 2].get()
        await world.time_passes(120)
    assert wechat.fetches == 3
    wechat.error = None
    with pytest.raises(TokenRefused, match="limit of 3 requests") as caught:
        await instances[0].get()
    assert caught.value.state == "request_limit"
    with pytest.raises(TokenRefused, match="limit of 3 requests"):
        await instances[1].manager.refresh()
    assert wechat.fetches == 3

    await redis.delete(f"{world.namespace}:token:{{requests:{APPID}}}:counts")
    await instances[1].manager.refresh()
    assert await instances[0].get() == wechat.current


async def test_an_operators_refresh_ends_a_wait(world: World, wechat: WeChat) -> None:
    """A failure makes callers wait; an operator's refresh asks WeChat at once and ends the wait for all instances."""
    one, two = await world.instance(), await world.instance()
    wechat.error = WeChatUnavailable("/cgi-bin/stable_token: no answer in 5 s")
    for _ in range(2):
        with pytest.raises(TokenUnavailable):
            await one.get()
    assert wechat.fetches == 1
    wechat.error = None
    await two.manager.refresh()
    assert await one.get() == wechat.current
    assert wechat.fetches == 2
