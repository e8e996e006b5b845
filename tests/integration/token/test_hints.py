"""What one instance does the others hear of at once; that they look every second is tested elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import Instance, WeChat, World
from tests.support.proxy import proxied
from tests.support.token_service import eventually
from wxbus.aio.background import background
from wxbus.rpc.auth.keys import new_key
from wxbus.store.store import Store
from wxbus_local.servers.private import Server
from wxbus_token.registry.keyring import Keyring, new_encryption_key
from wxbus_token.registry.models import RegisteredKey
from wxbus_token.registry.notifications import Notifications, Subscription
from wxbus_token.registry.register import Register

pytestmark = pytest.mark.integration

NEVER = 1e9


@pytest.fixture
async def heard(world: World) -> AsyncIterator[Subscription]:
    """An ear that listens already."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(world.redis_url))
        notifications = Notifications(store, namespace=world.namespace)
        subscribe = notifications.subscribe()
        await stack.enter_async_context(background(notifications.run()))

        await until_heard(subscribe, store, notifications)
        yield subscribe


async def until_heard(subscribe: Subscription, store: Store, notifications: Notifications) -> None:
    """Return once the ear hears what is announced, and has heard all of it."""
    numbers = count()
    heard: set[str] = set()
    while not heard:
        said = f"number {next(numbers)}"
        await store.command("PUBLISH", notifications.channel, said)
        heard |= await subscribe.names(0.01)
    while said not in heard:
        heard |= await subscribe.names(1.0)


async def test_a_token_is_known_to_all_at_once(world: World, wechat: WeChat, heard: Subscription) -> None:
    """An instance that never looks by itself has what another fetched, and drops what was reported to another."""
    one, two = await world.instance(), await world.instance(poll=NEVER)
    async with background(two.authority.run(heard)):
        token = await one.get()
        await eventually(lambda: holds(two))
        assert await two.get() == token
        assert wechat.fetches == 1
        wechat.killed.add(token)
        wechat.gate.clear()
        report = asyncio.create_task(one.report(token))
        await eventually(lambda: drops(two))
        wechat.gate.set()
        fresh = await report
        await eventually(lambda: holds(two))
        assert await two.get() == fresh != token


async def holds(instance: Instance) -> bool:
    """Whether it has a valid token in memory."""
    return instance.manager.left() is not None


async def drops(instance: Instance) -> bool:
    """Whether it has none."""
    return instance.manager.left() is None


async def test_what_is_registered_is_announced(world: World, heard: Subscription) -> None:
    """By the name of the register; a change that changes nothing is not."""
    async with Store.open(world.redis_url) as store:
        keys = Register(store, Keyring.parse(world.keys), RegisteredKey, namespace=world.namespace, name="keys")
        _, made = new_key("reports", ["token:get:*"])
        entry = RegisteredKey(**made.model_dump(), created=keys.moment())
        await keys.change(entry.key, lambda _: entry)
        assert await heard.names(10) == {"keys"}
        await keys.change("wxb_000000000000", lambda _: None)
        assert not await heard.names(0.05)


async def test_a_deaf_instance_listens_again(world: World) -> None:
    """After the connection was lost it hears of what comes then."""
    async with proxied(world.redis_url) as (proxy, url), Store.open(url) as store:
        notifications = Notifications(store, namespace=world.namespace)
        subscribe = notifications.subscribe()
        async with background(notifications.run()), Store.open(world.redis_url) as other:
            await until_heard(subscribe, other, notifications)
            await proxy.refuse()
            await other.command("PUBLISH", notifications.channel, "something")
            assert not await subscribe.names(0.05)
            await proxy.listen()
            await until_heard(subscribe, other, notifications)


async def test_who_may_not_publish_does_all_else(own_redis: Server, wechat: WeChat) -> None:
    """Redis 7 gives a new user no channels: tokens are stored and reported, accounts kept, only without a hint."""
    async with Redis.from_url(own_redis.url) as admin:
        await admin.acl_setuser("token", enabled=True, passwords=["+pw"], keys=["*"], categories=["+@all"], channels=[])
    host = own_redis.url.partition("//")[2]
    async with AsyncExitStack() as stack:
        world = World(admin, f"redis://token:pw@{host}", "wxbus", wechat, new_encryption_key("k1"), stack)
        one, two = await world.instance(), await world.instance()
        token = await one.get()
        assert await two.get() == token
        wechat.killed.add(token)
        assert await two.report(token) != token
        store = await stack.enter_async_context(Store.open(world.redis_url))
        keys = Register(store, Keyring.parse(world.keys), RegisteredKey, namespace="wxbus", name="keys")
        _, made = new_key("reports", ["token:get:*"])
        entry = RegisteredKey(**made.model_dump(), created=keys.moment())
        assert await keys.change(entry.key, lambda _: entry) == entry
