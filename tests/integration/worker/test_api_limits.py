"""Limits of WeChat's API, counted in Redis by all workers together."""

import asyncio
import re

import pytest
from redis.asyncio import Redis

from tests.support.api_server import PATH, a_client, body
from wxbus.api.limits import WECOM, Limit
from wxbus.errors import QuotaExceeded, RateLimited, WeChatError
from wxbus.store.store import Store
from wxbus_worker.store.api_limits import TRUSTED_SECONDS, RedisApiLimits

pytestmark = pytest.mark.integration

SEND = "/cgi-bin/message/send"
OTHER = "/cgi-bin/other"


class Worker:
    """The limits of one worker; `now` is its clock."""

    def __init__(self, store: Store, namespace: str, **limits: Limit) -> None:
        self.now = 0.0
        names = {"path": PATH, "of_shop": f"shop {PATH}"}
        self.limits = RedisApiLimits(
            store,
            namespace=namespace,
            limits={names[name]: limit for name, limit in limits.items()},
            account_of=lambda appid: {"wx1": "shop"}.get(appid, appid),
            clock=lambda: self.now,
        )

    async def calls(self, most: int, *, appid: str = "wx1", path: str = PATH) -> tuple[int, WeChatError | None]:
        """Return the number of calls that are allowed, up to `most`, and why the next is not."""
        for made in range(most):
            try:
                await self.limits.acquire(appid, path)
            except WeChatError as exc:
                return made, exc
        return most, None

    def later(self) -> None:
        """Let what Redis said last be forgotten."""
        self.now += TRUSTED_SECONDS


async def test_all_workers_share_the_calls_of_a_day(store: Store, namespace: str) -> None:
    """Each account has its own; together the workers make no more calls than the limit, and all of them.

    What one worker did not use is given back. The error is WeChat's, with the time that is left.
    """
    one, two = (Worker(store, namespace, path=Limit(day=300)) for _ in range(2))
    first = await asyncio.gather(*(worker.calls(100) for worker in (one, two)))
    assert first == [(100, None), (100, None)]
    total = 200
    for worker in (one, two, one, two):
        worker.later()
        total += (await worker.calls(1_000))[0]
    assert total == 300
    _, error = await one.calls(1)
    assert isinstance(error, QuotaExceeded)
    assert error.errcode == 45009
    assert 0 < (error.retry_after or 0) <= 86_400
    _, again = await one.calls(1)  # Redis is not asked
    assert again is not None
    assert again.retry_after == error.retry_after
    assert (await one.calls(1, appid="wx2"))[0] == 1


async def test_calls_of_a_minute_are_limited(store: Store, namespace: str) -> None:
    """The error is WeChat's 45011; a limit of one account precedes that of all."""
    worker = Worker(store, namespace, path=Limit(minute=5), of_shop=Limit(minute=20))
    made, error = await worker.calls(100)  # a new minute may begin meanwhile
    assert 20 <= made <= 40
    assert isinstance(error, RateLimited)
    assert 0 < (error.retry_after or 0) <= 60
    made, _ = await worker.calls(100, appid="wx2")
    assert 5 <= made <= 10


async def test_wecom_counts_by_corp_and_by_member(store: Store, namespace: str) -> None:
    """The applications of a corp share its calls; one application sends 30 messages a minute to one member."""
    limits = RedisApiLimits(
        store,
        namespace=namespace,
        table=WECOM,
        limits={f"corp1 {PATH}": Limit(hour=4)},
        account_of=lambda _: "corp1",
        counted_as=lambda appid: appid.partition("-")[0],
    )
    calls = [limits.acquire(appid, PATH) for appid in ("ww1-7", "ww1-8") * 5]
    refused = [one for one in await asyncio.gather(*calls, return_exceptions=True) if isinstance(one, RateLimited)]
    assert 2 <= len(refused) <= 6  # fewer than 6 if a new hour begins meanwhile
    assert 0 < (refused[0].retry_after or 0) <= 3600
    assert re.search(r"for \d+ s \(counted by wxbus\)", str(refused[0]))
    await limits.acquire("ww2-1", PATH)
    messages = [limits.acquire_user("ww1-7", SEND, "zhangsan") for _ in range(61)]
    dropped = [isinstance(one, RateLimited) for one in await asyncio.gather(*messages, return_exceptions=True)]
    assert 1 <= sum(dropped) <= 31  # fewer than 31 if a new minute begins meanwhile
    await limits.acquire_user("ww1-7", SEND, "lisi")
    await limits.acquire_user("ww1-8", SEND, "zhangsan")
    await limits.acquire_user("ww1-7", OTHER, "zhangsan")


async def test_a_refusal_of_wechat_closes_the_endpoint_for_all_workers(
    store: Store, namespace: str, redis: Redis
) -> None:
    """After 45009 or 45011 no worker calls it; other endpoints and other errors are not concerned."""
    one, two = (Worker(store, namespace, path=Limit(day=300)) for _ in range(2))
    await one.calls(1)
    await two.calls(1)
    await one.limits.refused("wx1", PATH, WeChatError(45015, "out of window", call=PATH))
    assert await one.calls(1) == (1, None)
    await one.limits.refused("wx1", PATH, WeChatError(45009, "no more", call=PATH))
    assert isinstance((await one.calls(1))[1], QuotaExceeded)
    two.later()
    assert isinstance((await two.calls(1))[1], QuotaExceeded)
    assert await two.calls(1, path=OTHER) == (1, None)

    await one.limits.refused("wx1", OTHER, WeChatError(45011, "too fast", call=OTHER))
    made, error = await one.calls(1, path=OTHER)
    assert (made, type(error), error and error.retry_after) == (0, RateLimited, 60)
    one.now += 60
    (key,) = [key async for key in redis.scan_iter(f"{namespace}:api_calls:*{OTHER}")]
    await redis.hset(key, "closed_until", 0)  # a minute later
    assert await one.calls(1, path=OTHER) == (1, None)


async def test_without_redis_nothing_is_counted(namespace: str, unused_tcp_port: int) -> None:
    """Calls are made: WeChat counts them in any case."""
    async with Store.open(f"redis://127.0.0.1:{unused_tcp_port}/0") as store:
        worker = Worker(store, namespace, path=Limit(day=1))
        assert await worker.calls(5) == (5, None)
        await worker.limits.refused("wx1", PATH, WeChatError(45009, "no more", call=PATH))
        assert isinstance((await worker.calls(1))[1], QuotaExceeded)


async def test_a_client_makes_no_call_that_is_over_the_limit(store: Store, namespace: str) -> None:
    """The limit is checked before each call, and WeChat's refusal is noted."""
    worker = Worker(store, namespace)
    answers = body(b'{"errcode":0}'), body(b'{"errcode":45009,"errmsg":"no more"}')
    async with a_client(*answers, limits=worker.limits) as (client, server):
        await client.call("POST", PATH, json={})
        for _ in range(2):
            with pytest.raises(QuotaExceeded):
                await client.call("POST", PATH, json={})
    assert len(server.requests) == 2
