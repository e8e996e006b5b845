"""Redis has no token or secret in clear."""

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import WeChat, World
from wxbus.store.keyring import new_encryption_key

pytestmark = pytest.mark.integration


async def test_redis_has_no_token_in_clear(world: World, redis: "Redis", wechat: WeChat) -> None:
    """No key or value in Redis shows a token or a secret, after fetches and reports."""
    one = await world.instance()
    wechat.rejected.add(token := await one.get())
    await one.report(token)
    seen = 0
    async for key in redis.scan_iter(match=f"{world.namespace}:*"):
        dump = await redis.dump(key)
        assert dump is not None
        kind = await redis.type(key)
        content = await redis.hgetall(key) if kind == b"hash" else dump
        assert b"SECRET-" not in key + dump
        assert "SECRET-" not in repr(content)
        seen += 1
    assert seen == 4, "record, fence, forced refreshes, counts of requests"


async def test_keys_are_rotated_without_a_pause(world: World, wechat: WeChat) -> None:
    """The new key is added second, moved first, and the old one removed: all instances read all values throughout."""
    old, new = world.keys, new_encryption_key("k2")
    writer = await world.instance(keys=f"{old},{new}")
    await writer.get()
    rotated = await world.instance(keys=f"{new},{old}")
    assert await rotated.get() == wechat.current
    assert wechat.fetches == 1

    wechat.made += 1
    await rotated.report("SECRET-TOKEN-1")
    assert await (await world.instance(keys=f"{old},{new}")).get() == "SECRET-TOKEN-2"
    assert await (await world.instance(keys=new)).get() == "SECRET-TOKEN-2"
    assert wechat.fetches == 2


async def test_without_the_key_the_value_is_fetched_again(world: World, wechat: WeChat) -> None:
    """An instance that cannot decrypt the stored value fetches one; it does not fail."""
    await (await world.instance()).get()
    stranger = await world.instance(keys=new_encryption_key("k9"))
    assert await stranger.get() == wechat.current
    assert wechat.fetches == 2


async def test_a_manipulated_value_is_not_served(world: World, redis: "Redis", wechat: WeChat) -> None:
    """A value that was changed in Redis does not decrypt, and is fetched again."""
    await (await world.instance()).get()
    await redis.hset(world.key("record"), "value", b"k1:" + b"x" * 60)
    assert await (await world.instance()).get() == wechat.current
    assert wechat.fetches == 2
