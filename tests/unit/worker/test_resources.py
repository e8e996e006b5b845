"""Objects that a worker opens for its handlers, and hooks at its start and end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from wxbus.features import Features
from wxbus_worker import (
    CallNext,
    ConfigurationError,
    Context,
    Contexts,
    HandlerCall,
    MessageHandler,
    Router,
    TextMessage,
)
from wxbus_worker.handlers.resources import opened
from wxbus_worker.testing import HandlerClient


class Pool:
    """A connection pool."""

    is_open = True


class Orders:
    """A repository on a pool."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool


class Shop:
    """A router with a pool, a repository on it, and hooks; `events` has what happened."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.router = Router("shop")
        self.router.provide(Pool, self.open_pool)
        self.router.provide(Orders, self.open_orders)
        self.router.on_start(self.warm_up)
        self.router.on_stop(self.say_goodbye)

        @self.router.text
        async def order(message: TextMessage, orders: Orders) -> str:
            assert orders.pool.is_open
            self.events.append(message.content)
            return "ordered"

    @asynccontextmanager
    async def open_pool(self) -> AsyncIterator[Pool]:
        """Yield a pool."""
        pool = Pool()
        self.events.append("pool opened")
        yield pool
        pool.is_open = False
        self.events.append("pool closed")

    @asynccontextmanager
    async def open_orders(self, pool: Pool) -> AsyncIterator[Orders]:
        """Yield a repository."""
        self.events.append("orders opened")
        yield Orders(pool)
        assert pool.is_open
        self.events.append("orders closed")

    async def warm_up(self, orders: Orders) -> None:
        """Run at the start."""
        assert orders.pool.is_open
        self.events.append("started")

    def say_goodbye(self, pool: Pool) -> None:
        """Run at the end, in a thread."""
        assert pool.is_open
        self.events.append("stopped")


async def test_objects_are_opened_before_and_closed_after_the_messages() -> None:
    """Providers open in order, hooks run, handlers take the objects by type; the end is the reverse."""
    shop = Shop()
    async with HandlerClient(shop.router) as client:
        assert (await client.text("tea")).texts == ["ordered"]
    assert shop.events == [
        "pool opened",
        "orders opened",
        "started",
        "tea",
        "stopped",
        "orders closed",
        "pool closed",
    ]


async def test_included_routers_and_middleware_share_the_objects() -> None:
    """An included router names what it takes under `features`; one provider in two routers opens once."""
    shop, seen = Shop(), list[Any]()
    below = Router("below", features=[Pool])

    @below.text("pool")
    async def pooled(pool: Pool) -> None:
        seen.append(pool)

    @below.middleware
    async def watch(call: HandlerCall, call_next: CallNext) -> object:
        seen.append(call.features[Pool])
        return await call_next(call)

    root = Router("root")
    root.provide(Pool, shop.open_pool)
    root.include(below)
    root.include(shop.router)
    async with HandlerClient(root) as client:
        await client.text("pool")
        await client.text("tea")
    assert seen[0] is seen[1]
    assert shop.events.count("pool opened") == 1


async def test_tests_may_give_other_objects() -> None:
    """`HandlerClient(provide=...)` replaces objects; without any the error says what to do."""
    shop = Shop()
    fake: Any = type("Fake", (), {"pool": Pool()})()
    client = HandlerClient(shop.router, provide={Pool: Pool(), Orders: fake})
    assert (await client.text("tea")).texts == ["ordered"]
    assert shop.events == ["tea"]
    with pytest.raises(LookupError, match=r"router shop provides Pool: send messages in `async with HandlerClient"):
        await HandlerClient(shop.router).text("tea")


async def test_a_failed_start_names_the_provider_and_closes_the_others() -> None:
    """The worker does not start; the error has the provider, its type and the reason, the opened ones are closed."""
    shop = Shop()

    class Cache: ...

    async def connect() -> Cache:
        raise ConnectionRefusedError("no cache at redis://user:hidden@host")

    @asynccontextmanager
    async def open_cache() -> AsyncIterator[Cache]:
        yield await connect()

    @asynccontextmanager
    async def open_wrong() -> AsyncIterator[Any]:
        yield "a str"

    async def broken() -> None:
        raise ValueError("not ready")

    cases: list[tuple[Any, str]] = [
        (
            lambda router: router.provide(Cache, open_cache),
            r"open_cache of Cache failed: ConnectionRefusedError: no cache at redis://user:[^h]*@host",
        ),
        (lambda router: router.provide(Cache, open_wrong), r"open_wrong of Cache yields str"),
        (lambda router: router.on_start(broken), r"on_start hook .*broken failed: ValueError: not ready"),
        (lambda router: router.provide(Pool, open_wrong), "Pool is provided twice: .*open_pool, .*open_wrong"),
    ]
    for register, text in cases:
        shop.events.clear()
        late = Router("late")
        register(late)
        with pytest.raises(ConfigurationError, match=text):
            async with opened((shop.router, late), Features()):
                pytest.fail("it opened")
        assert shop.events[-3:] == ["stopped", "orders closed", "pool closed"]


async def test_a_failed_close_does_not_keep_others_open() -> None:
    """An error of `on_stop` or of a closing is logged with its name."""
    shop = Shop()

    async def broken() -> None:
        raise ValueError("cannot say goodbye")

    shop.router.on_stop(broken)
    with capture_logs() as lines:
        async with opened((shop.router,), Features()):
            pass
    assert shop.events[-3:] == ["stopped", "orders closed", "pool closed"]
    assert [line["name"].rsplit(".", 1)[-1] for line in lines if line["event"] == "worker.close_failed"] == ["broken"]


def test_wrong_providers_are_errors() -> None:
    """A provider that cannot work is refused when it is registered."""
    router = Router("shop")

    async def open_pool() -> Pool:
        return Pool()

    @asynccontextmanager
    async def needs_context(_context: Context) -> AsyncIterator[Pool]:
        yield Pool()

    with pytest.raises(ConfigurationError, match="provider of Pool must return an async context manager: decorate"):
        router.provide(Pool, open_pool)  # type: ignore[arg-type] # what is tested
    with pytest.raises(ConfigurationError, match="needs_context: parameter '_context' cannot be provided"):
        router.provide(Pool, needs_context)
    with pytest.raises(ConfigurationError, match="provide needs a type, not 'Pool'"):
        router.provide("Pool", needs_context)  # type: ignore[arg-type] # what is tested

    @asynccontextmanager
    async def good() -> AsyncIterator[Pool]:
        yield Pool()

    router.provide(Pool, good)
    with pytest.raises(ConfigurationError, match="router shop provides Pool already"):
        router.provide(Pool, good)


async def test_a_stop_during_the_start_ends_it() -> None:
    """A provider that hangs does not keep the worker from stopping; what was opened is closed."""
    from wxbus.aio.waiting import Interrupted, interrupted_by

    shop, stopping, hanging = Shop(), asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        hanging.set()
        await asyncio.Event().wait()

    shop.router.on_start(hang)

    async def start() -> None:
        async with interrupted_by(stopping), opened((shop.router,), Features()):
            pytest.fail("it opened")

    task = asyncio.create_task(start())
    await hanging.wait()
    stopping.set()
    with pytest.raises(Interrupted):
        await task
    assert shop.events[-3:] == ["stopped", "orders closed", "pool closed"]


async def test_handlers_take_the_contexts_of_all_users() -> None:
    """By type, as the objects of the worker; `MessageHandler.restore` is Senparc's name for dropping all."""
    router = Router()

    class Bot(MessageHandler):
        async def on_text(self, message: TextMessage, contexts: Contexts, context: Context) -> str:
            context.storage["text"] = message.content
            users = sorted([one.openid async for one in contexts.list(context.appid)])
            if message.content == "restore":
                return f"{await self.restore(contexts)} of {users}"
            other = await contexts.get(context.appid, "o_other")
            return f"{users} {other and other.storage}"

    @router.on_start
    async def warm_up(contexts: Contexts) -> None:
        assert [one async for one in contexts.list()] == []

    router.include(Bot())
    async with HandlerClient(router) as client:
        await client.send(client.new(TextMessage, content="x", from_user="o_other"))
        assert (await client.text("a")).texts == ["['o_other'] {'text': 'x'}"]
        # Its own context is dropped, too: the commit is refused, and the handler runs again.
        assert (await client.text("restore")).texts == ["0 of []"]
        assert (await client.context("o_other")).storage == {}
