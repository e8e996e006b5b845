"""Changes by one instance are announced to the others; other tests show that they poll as well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count

import pytest
from redis.asyncio import Redis

from tests.integration.token.conftest import Instance, WeChat, World
from tests.support.proxy import proxied
from tests.support.stores import open_store
from tests.support.token_service import eventually
from wxbus.aio.background import background
from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus.store.store import Store
from wxbus_local.servers.private import PrivateServer
from wxbus_token.registry.entries import EntryStore
from wxbus_token.registry.models import RegisteredKey
from wxbus_token.registry.notifications import Notifications, Subscription, channel_of

pytestmark = pytest.mark.integration

NEVER = 1e9


@pytest.fixture
async def subscription(world: World) -> AsyncIterator[Subscription]:
    """Yield a subscription that receives already."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(world.redis_url))
        notifications = Notifications(store, namespace=world.namespace)
        subscription = notifications.subscribe()
        await stack.enter_async_context(background(notifications.run()))
        await until_received(subscription, store, notifications)
        yield subscription


async def until_received(subscription: Subscription, store: Store, notifications: Notifications) -> None:
    """Return once the subscription receives what is announced, and has received all of it."""
    numbers = count()
    received: set[str] = set()
    announced = ""
    while not received:
        announced = f"number {next(numbers)}"
        await store.command("PUBLISH", notifications.channel, announced)
        received |= await subscription.names(0.01)
    while announced not in received:
        received |= await subscription.names(1.0)


async def test_a_change_reaches_all_instances_at_once(world: World, wechat: WeChat, subscription: Subscription) -> None:
    """An instance that never polls gets what another one fetched, and drops what was reported to another one."""
    one, two = await world.instance(), await world.instance(poll_interval=NEVER)
    async with background(two.refresh_loop.run(subscription)):
        token = await one.get()
        await eventually(lambda: holds(two))
        assert await two.get() == token
        assert wechat.fetches == 1
        wechat.rejected.add(token)
        wechat.gate.clear()
        report = asyncio.create_task(one.report(token))
        await eventually(lambda: drops(two))
        wechat.gate.set()
        fresh = await report
        await eventually(lambda: holds(two))
        assert await two.get() == fresh != token


async def holds(instance: Instance) -> bool:
    """Return whether the instance has a valid token in memory."""
    return instance.manager.remaining() is not None


async def drops(instance: Instance) -> bool:
    """Return whether the instance has no valid token in memory."""
    return instance.manager.remaining() is None


async def test_registry_changes_are_announced(world: World, subscription: Subscription) -> None:
    """A change is announced by the name of the registry; a change without effect is not announced."""
    async with open_store(world.redis_url) as store:
        keys = EntryStore(store, Keyring.parse(world.keys), RegisteredKey, namespace=world.namespace, name="keys")
        _, made = new_key("reports", ["token:get:*"])
        entry = RegisteredKey(**made.model_dump(), created=keys.moment())
        await keys.change(entry.key, lambda _: entry)
        assert await subscription.names(10) == {"keys"}
        await keys.change("wxb_000000000000", lambda _: None)
        await store.command("PUBLISH", channel_of(world.namespace), "end")
        assert await subscription.names(10) == {"end"}


async def test_a_lost_subscription_is_renewed(world: World) -> None:
    """After the connection was lost, later announcements are received."""
    async with proxied(world.redis_url) as (proxy, url), open_store(url) as store:
        notifications = Notifications(store, namespace=world.namespace)
        subscription = notifications.subscribe()
        async with background(notifications.run()), open_store(world.redis_url) as other:
            await until_received(subscription, other, notifications)
            await proxy.refuse()
            await other.command("PUBLISH", notifications.channel, "something")
            assert not await subscription.names(0.05)
            await proxy.listen()
            await until_received(subscription, other, notifications)


async def test_a_redis_user_without_channels_suffices(own_redis: PrivateServer, wechat: WeChat) -> None:
    """Redis 7 allows new users no channel: values and registry entries are stored, only without announcements."""
    async with Redis.from_url(own_redis.url) as admin:
        await admin.acl_setuser("token", enabled=True, passwords=["+pw"], keys=["*"], categories=["+@all"], channels=[])
    host = own_redis.url.partition("//")[2]
    async with AsyncExitStack() as stack:
        world = World(admin, f"redis://token:pw@{host}", "wxbus", wechat, new_encryption_key("k1"), stack)
        one, two = await world.instance(), await world.instance()
        token = await one.get()
        assert await two.get() == token
        wechat.rejected.add(token)
        assert await two.report(token) != token
        store = await stack.enter_async_context(open_store(world.redis_url))
        keys = EntryStore(store, Keyring.parse(world.keys), RegisteredKey, namespace="wxbus", name="keys")
        _, made = new_key("reports", ["token:get:*"])
        entry = RegisteredKey(**made.model_dump(), created=keys.moment())
        assert await keys.change(entry.key, lambda _: entry) == entry
