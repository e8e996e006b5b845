"""However much goes wrong, WeChat is not asked more often than we allow ourselves."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import APPID, WeChat, World
from tests.support.proxy import proxied
from wxbus.errors import TokenRefused, TokenUnavailable, WeChatUnavailable
from wxbus.store.store import Store
from wxbus_token.credentials.quota import CHINA, DAY, MINUTE, Guarded, Quota

pytestmark = pytest.mark.integration

OTHER = "wx2"


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """The shared Redis."""
    async with Store.open(redis_url) as store:
        yield store


@pytest.mark.usefixtures("redis")
async def test_one_figure_for_all_instances(store: Store, namespace: str) -> None:
    """Two instances together are let through as often as one alone would be; each account has a figure of its own."""
    guards = [Quota(store, namespace=namespace, per_minute=1000, per_day=7) for _ in range(2)]
    for number in range(7):
        await guards[number % 2].admit(APPID)
    with pytest.raises(Guarded, match="7 requests for this account in a day") as caught:
        await guards[1].admit(APPID)
    assert 0 < caught.value.wait <= DAY
    assert caught.value.lasting
    await guards[0].admit(OTHER)
    assert [asked.in_day for asked in await guards[1].asked([APPID, OTHER])] == [7, 1]


async def test_a_minute_passes(store: Store, namespace: str, redis: "Redis") -> None:
    """A minute's figure is a matter of waiting for the next one; what was counted before counts no more."""
    with pytest.raises(Guarded, match="in a minute") as caught:
        await Quota(store, namespace=namespace, per_minute=0, per_day=1000).admit(APPID)
    assert 0 < caught.value.wait <= MINUTE
    assert not caught.value.lasting
    before = int((await redis.time())[0]) // MINUTE - 1
    key = f"{namespace}:token:{{asked:{APPID}}}:counts"
    await redis.hset(key, mapping={"minute": before, "in_minute": 5, "day": 1, "in_day": 1000})  # type: ignore[misc]
    guard = Quota(store, namespace=namespace, per_minute=5, per_day=1000)
    await guard.admit(APPID)
    assert [asked.in_day for asked in await guard.asked([APPID])] == [1]


@pytest.mark.usefixtures("redis")
async def test_without_redis_each_counts_for_itself(redis_url: str, namespace: str) -> None:
    """An instance that may ask without Redis keeps to the same figures alone; they begin anew with the minute."""
    now = 1_790_000_000.0
    async with proxied(redis_url) as (proxy, url), Store.open(url) as alone:
        await proxy.refuse()
        guard = Quota(alone, namespace=namespace, per_minute=2, per_day=3, clock=lambda: now)
        for _ in range(2):
            await guard.admit(APPID)
        with pytest.raises(Guarded, match="in a minute"):
            await guard.admit(APPID)
        now += MINUTE
        await guard.admit(APPID)
        with pytest.raises(Guarded, match="in a day") as caught:
            await guard.admit(APPID)
        now += caught.value.wait
        assert (now + CHINA) % DAY == 0
        await guard.admit(APPID)


async def test_a_reached_figure_is_a_state_of_its_own(world: World, wechat: WeChat, redis: "Redis") -> None:
    """Callers learn of it with a word for it, nobody asks until the day is over, not even who insists."""
    instances = [await world.instance(per_day=3) for _ in range(2)]
    wechat.error = WeChatUnavailable("/cgi-bin/stable_token: no answer in 5 s")
    for attempt in range(5):
        with pytest.raises(TokenUnavailable):
            await instances[attempt % 2].get()
        await world.time_passes(120)
    assert wechat.fetches == 3
    wechat.error = None
    with pytest.raises(TokenRefused, match="guard: 3 requests") as caught:
        await instances[0].get()
    assert caught.value.state == "guard"
    with pytest.raises(TokenRefused, match="guard"):
        await instances[1].manager.refresh()
    assert wechat.fetches == 3

    await redis.delete(f"{world.namespace}:token:{{asked:{APPID}}}:counts")
    await instances[1].manager.refresh()
    assert await instances[0].get() == wechat.current


async def test_who_put_it_right_need_not_wait(world: World, wechat: WeChat) -> None:
    """A refusal binds callers for minutes; an operator's refresh asks at once and ends it for all instances."""
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
