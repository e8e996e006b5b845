"""Calls of a day and their resets."""

from collections.abc import Awaitable, Callable

import pytest

from tests.support.sandbox import World
from wxbus.api.limits import WECHAT
from wxbus.errors import BadRequest, QuotaExceeded, WeChatError

SPEED = "/cgi-bin/message/mass/speed/get"
PREVIEW = "/cgi-bin/message/mass/preview"
USER = "oUser0000000000000000000001"


async def test_calls_are_counted_by_account_and_endpoint(world: World) -> None:
    """The counts of an endpoint grow with its calls only, and start anew on the next day in China."""
    client = world.client("shop")
    for _ in range(3):
        await client.mass_messages.speed()
    await world.client("mini").network.callback_addresses()
    found = await client.quotas.find(SPEED)
    assert (found.quota.used, found.quota.remain) == (3, found.quota.daily_limit - 3)
    assert (await client.quotas.find("/cgi-bin/getcallbackip")).quota.used == 0
    await world.control.advance(86400)
    assert (await client.quotas.find(SPEED)).quota.used == 0
    with pytest.raises(BadRequest, match="76021"):
        await client.quotas.find("/cgi-bin/no/such")


async def test_a_used_up_quota_refuses_calls_until_it_is_reset(world: World) -> None:
    """45009; other endpoints go on, and a reset of this endpoint or of all helps, so often a month."""
    client, body = world.client("shop"), {"touser": USER, "msgtype": "text", "text": {"content": "x"}}
    resets: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: client.quotas.reset(PREVIEW),
        lambda: client.quotas.reset_all("wxshop"),
    )
    for reset in resets:
        for _ in range(WECHAT.by_path[PREVIEW].day):
            await client.call("POST", PREVIEW, json=body)
        with pytest.raises(QuotaExceeded, match="45009"):
            await client.call("POST", PREVIEW, json=body)
        await client.mass_messages.speed()
        await reset()
    await client.call("POST", PREVIEW, json=body)


async def test_resets_are_limited_in_each_month(world: World) -> None:
    """All endpoints can be reset 10 times (48006), with the token and with the AppSecret together."""
    client = world.client("shop")
    for _ in range(10):
        await client.quotas.reset_all("wxshop")
    with pytest.raises(QuotaExceeded, match="48006"):
        await client.quotas.reset_all("wxshop")
    await world.control.advance(31 * 86400)
    await client.quotas.reset_all("wxshop")
    with pytest.raises(WeChatError, match="40013"):
        await client.quotas.reset_all("wxother")
