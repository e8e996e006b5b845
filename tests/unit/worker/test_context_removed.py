"""Expired contexts: when handlers are called, and when they are not."""

import json

import pytest

from tests.support.envelopes import an_envelope
from tests.support.worker import KEY, Rig, a_text_envelope
from wxbus.accounts.accounts import Accounts
from wxbus.bus.envelope import EnvelopeKind
from wxbus.errors import BrokerUnavailable
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus_worker import (
    Account,
    AccountKind,
    AnyMessage,
    CallNext,
    ConfigurationError,
    Context,
    HandlerCall,
    MessageHandler,
    Router,
    TextMessage,
    reply,
)
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.sweepers.contexts import ContextSweeper, DueContext
from wxbus_worker.testing import HandlerClient


def a_counter() -> tuple[Router, list[str]]:
    """Return a bot that counts texts, and the removed contexts that it got."""
    router = Router()
    got: list[str] = []

    @router.text
    async def count(context: Context) -> None:
        context.storage["count"] = context.storage.get("count", 0) + 1

    @router.context_removed
    async def removed(context: Context, account: Account) -> reply.Text:
        got.append(f"{account.name} {context.openid} {context.storage['count']}")
        return reply.Text(f"Forgotten: {context.storage['count']}.")

    @router.default
    async def fallback(message: AnyMessage) -> None:
        raise AssertionError(f"no message for users: {message}")

    return router, got


async def test_the_handler_gets_the_removed_context_once() -> None:
    """Its replies are sent, and the context is removed. The same event again changes nothing."""
    router, got = a_counter()
    rig = Rig(router)
    for _ in range(3):
        await rig.handle(a_text_envelope())
    end = DueContext(KEY.lane, (await rig.memory.open(KEY, "")).version).envelope("shop")
    for delivery in (MemoryDelivery(end), MemoryDelivery(end, redelivered=True)):
        assert isinstance(await rig.handle(delivery), Done)
        assert delivery.acked

    assert got == ["shop o_1 3"]
    assert rig.wechat.texts == ["Forgotten: 3."]
    assert await rig.memory.get("wx1", "o_1") is None


async def test_a_message_that_comes_first_keeps_the_context_alive() -> None:
    """The event is behind it in the lane and finds another version."""
    router, got = a_counter()
    rig = Rig(router)
    await rig.handle(a_text_envelope())
    end = DueContext(KEY.lane, (await rig.memory.open(KEY, "")).version).envelope("shop")
    await rig.handle(a_text_envelope())
    assert isinstance(await rig.handle(end), Done)
    assert got == []
    assert (await rig.memory.open(KEY, "")).context.storage == {"count": 2}


async def test_a_failed_handler_is_retried_with_the_context() -> None:
    """The context is removed after all handlers have succeeded."""
    router = Router()
    runs: list[str] = []

    @router.text
    async def keep(message: TextMessage, context: Context) -> None:
        context.storage["text"] = message.content

    @router.context_removed
    async def first() -> None:
        runs.append("first")

    sub = Router("sub")
    router.include(sub)

    @sub.context_removed
    async def second(context: Context) -> None:
        runs.append(f"second {context.storage['text']}")
        if len(runs) < 3:
            raise ValueError

    rig = Rig(router)
    await rig.handle(a_text_envelope("x"))
    version = (await rig.memory.open(KEY, "")).version
    assert isinstance(await rig.handle(DueContext(KEY.lane, version).envelope("shop")), Retry)
    assert (await rig.memory.open(KEY, "")).version == version
    assert isinstance(await rig.handle(rig.memory_publisher.retries[0][0]), Done)
    assert runs == ["first", "second x"] * 2
    assert await rig.memory.get("wx1", "o_1") is None


async def test_middleware_and_both_forms_get_expired_contexts() -> None:
    """Middleware runs around the handler; a class has `on_context_removed`; the test client expires contexts."""
    steps: list[str] = []

    class Shop(MessageHandler):
        async def on_text(self) -> None: ...

        def on_context_removed(self, context: Context) -> list[reply.Text]:
            steps.append(f"removed {context.openid}")
            return [reply.Text("a"), reply.Text("b")]

    router = Router()
    router.include(Shop())

    @router.middleware
    async def around(call: HandlerCall, call_next: CallNext) -> object:
        steps.append(call.message.msg_type)
        return await call_next(call)

    client = HandlerClient(router)
    with pytest.raises(LookupError, match="o_user has no context"):
        await client.expire()
    await client.text("x")
    answer = await client.expire()
    assert answer.texts == ["a", "b"]
    assert steps == ["text", "context_expired", "removed o_user"]
    assert (await client.context()).last_active is None


def test_a_handler_of_removed_contexts_cannot_take_a_message() -> None:
    """An expired context has no message."""

    async def removed(message: TextMessage) -> None: ...

    with pytest.raises(ConfigurationError, match="'message' is annotated TextMessage; a handler can take Context"):
        Router().context_removed(removed)


async def test_an_event_without_a_version_is_dead_lettered() -> None:
    """It does not remove the current context."""
    router, got = a_counter()
    rig = Rig(router)
    for body in (b"", b"{}", json.dumps({"version": "x"}).encode()):
        assert isinstance(await rig.handle(an_envelope(kind=EnvelopeKind.CONTEXT_EXPIRED, body=body)), ToDeadLetters)
    assert got == []


class Index:
    """Due contexts that the test sets."""

    def __init__(self, *due: tuple[str, int]) -> None:
        self.due = list(due)
        self.handed: list[tuple[str, int]] = []

    async def due_shards(self) -> list[int]:
        """Return the shard of all of them."""
        return [7] if self.due else []

    async def claim_due(self, shard: int, *, limit: int) -> list[tuple[str, int]]:
        """Return them once."""
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken if shard == 7 else []

    async def mark_expiry_published(self, lane: str, version: int) -> None:
        """Record it."""
        self.handed.append((lane, version))

    async def delete_due(self, shard: int, *, limit: int) -> int:
        """Delete them."""
        return len(await self.claim_due(shard, limit=limit))


ACCOUNTS = Accounts({"shop": Account(name="shop", appid="wx1", kind=AccountKind.OFFICIAL_ACCOUNT)})


async def test_due_contexts_are_published_to_their_lanes() -> None:
    """Each has one envelope, with the same dedup key every time; contexts of removed accounts have none."""
    index, publisher = Index(("wx1:o_1", 7), ("wx1:o_2", 8), ("wx_gone:o_3", 9)), MemoryPublisher()
    assert await ContextSweeper(index, publisher, ACCOUNTS, events=True).sweep() == 3
    assert [(one.lane, one.openid, one.account, one.dedup_id) for one in publisher.published] == [
        ("wx1:o_1", "o_1", "shop", "wx1:o_1:expired:7"),
        ("wx1:o_2", "o_2", "shop", "wx1:o_2:expired:8"),
    ]
    assert {one.kind for one in publisher.published} == {EnvelopeKind.CONTEXT_EXPIRED}
    assert sorted(index.handed) == [("wx1:o_1", 7), ("wx1:o_2", 8), ("wx_gone:o_3", 9)]


async def test_an_unconfirmed_publish_is_repeated() -> None:
    """The context is due again after its claim."""
    index, publisher = Index(("wx1:o_1", 7)), MemoryPublisher(unavailable=True)
    with pytest.raises(BrokerUnavailable):
        await ContextSweeper(index, publisher, ACCOUNTS, events=True).sweep()
    assert not index.handed


async def test_without_handlers_contexts_are_deleted() -> None:
    """Without a handler of the removal a due context is deleted, and no envelope is published."""
    index, publisher = Index(("wx1:o_1", 7)), MemoryPublisher()
    assert await ContextSweeper(index, publisher, ACCOUNTS, events=False).sweep() == 1
    assert not publisher.published


async def test_on_executing_does_not_reply_in_place_of_it() -> None:
    """Replies of `on_executing` are ignored, and `on_context_removed` runs."""
    got: list[str] = []

    class Bot(MessageHandler):
        def on_executing(self) -> reply.Text:
            return reply.Text("closed today")

        def default_response(self) -> None:
            raise AssertionError

        def on_context_removed(self, context: Context) -> reply.Text:
            got.append(str(context.openid))
            return reply.Text("forgotten")

    router = Router()
    router.include(Bot())
    rig = Rig(router)
    await rig.handle(a_text_envelope())
    end = DueContext(KEY.lane, (await rig.memory.open(KEY, "")).version).envelope("shop")
    assert isinstance(await rig.handle(end), Done)
    assert got == ["o_1"]
    assert rig.wechat.texts == ["closed today", "forgotten"]
