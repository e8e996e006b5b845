"""A message changes the context once: duplicates, commit conflicts, and replays of dead letters."""

import asyncio
from dataclasses import replace

import pytest

from tests.support.echo import Echo
from tests.support.metrics import counted
from tests.support.worker import APPID, KEY, Rig, a_text_envelope, an_event_envelope
from wxbus.errors import StoreUnavailable, WeChatUnavailable
from wxbus.testing import MemoryDelivery
from wxbus_worker import (
    AnyMessage,
    Context,
    Reject,
    Router,
    TextMessage,
    current_delivery,
    reply,
)
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.store.ports import dedup_key_of
from wxbus_worker.testing import MemoryContextStore


async def test_a_duplicate_runs_no_handler() -> None:
    """WeChat's second push of a committed message changes nothing and sends nothing; it is acknowledged."""
    echo = Echo()
    rig = Rig(echo.router)
    envelope = a_text_envelope("a")
    await rig.handle(envelope)
    again = MemoryDelivery(envelope)
    assert isinstance(await rig.handle(again), Done)

    assert again.acked
    assert echo.runs == ["a"]
    assert rig.wechat.texts == ["a"]
    assert counted(rig.metrics.duplicates) == 1


async def test_a_system_event_has_no_user_no_context_and_no_replies() -> None:
    """Its sender is WeChat itself: no context is stored under that name, and no reply is sent."""
    router = Router()
    seen: list[str | None] = []

    @router.default
    async def answer(message: AnyMessage, context: Context) -> reply.Text:
        seen.append(current_delivery().openid)
        context.storage["kept"] = "not"
        return reply.Text(f"I do not know {message.msg_type}")

    rig = Rig(router)
    envelope = an_event_envelope("xpay_refund_notify", openid=None, lane=f"{APPID}:refund1")
    for delivery in (MemoryDelivery(envelope), MemoryDelivery(envelope)):
        assert isinstance(await rig.handle(delivery), Done)
        assert delivery.acked

    assert seen == [None]
    assert not rig.wechat.sent


async def test_a_commit_conflict_runs_the_handler_again() -> None:
    """A commit on an outdated context is refused; the handler runs again on the context that the other worker wrote."""
    router = Router()
    store = MemoryContextStore()
    other = Rig(Echo().router, store=store)
    seen: list[int] = []

    @router.text
    async def count(context: Context) -> reply.Text:
        seen.append(context.storage.get("runs", 0))
        if len(seen) == 1:
            await other.handle(a_text_envelope("x"))
        context.storage["runs"] = context.storage.get("runs", 0) + 1
        return reply.Text(str(context.storage["runs"]))

    rig = Rig(router, store=store)
    await rig.handle(a_text_envelope())

    assert seen == [0, 1]
    assert rig.wechat.texts == ["2"]
    assert counted(rig.metrics.conflicts) == 1


async def test_repeated_conflicts_are_retried_later() -> None:
    """A message whose context others change again and again is retried after a delay."""
    router = Router()
    store = MemoryContextStore()
    other = Rig(Echo().router, store=store)

    @router.text
    async def interrupted() -> None:
        await other.handle(a_text_envelope("x"))

    rig = Rig(router, store=store)
    assert isinstance(await rig.handle(a_text_envelope()), Retry)


@pytest.mark.parametrize("known_by", ["letter", "store"])
async def test_a_replay_of_a_committed_message_sends_its_unsent_replies(known_by: str) -> None:
    """It runs no handler, changes nothing and repeats nothing, however often it is replayed.

    The dead letter says that the message was committed, even if its dedup key is forgotten; else the store does.
    """
    echo = Echo()
    rig = Rig(echo.router, delays=())
    rig.wechat.errors.extend([None, WeChatUnavailable("away"), WeChatUnavailable("away")])
    envelope = a_text_envelope("a b c")
    assert isinstance(await rig.handle(envelope), ToDeadLetters)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert death.committed == dedup_key_of(envelope)
    committed = death.committed if known_by == "letter" else None
    replayed = replace(envelope, replay=True, committed=committed, id="f" * 32)
    assert isinstance(await rig.handle(replayed), ToDeadLetters)  # WeChat is still unavailable
    assert isinstance(await rig.handle(replayed), Done)
    assert isinstance(await rig.handle(replayed), Done)

    assert echo.runs == ["a b c"]
    assert rig.wechat.texts == ["a", "b", "c"]


async def test_a_replay_after_the_last_attempt_sends_the_replies_set_aside() -> None:
    """WeChat was unavailable for too long: the replies set aside are sent now, and the handler does not run again."""
    echo = Echo()
    rig = Rig(echo.router, delays=())
    rig.wechat.errors.extend([None, WeChatUnavailable("away")])
    envelope = a_text_envelope("a b c")
    assert isinstance(await rig.handle(envelope), ToDeadLetters)
    assert not rig.memory.outbox(KEY)
    ((_, death),) = rig.memory_publisher.dead_letters
    await rig.handle(replace(envelope, replay=True, committed=death.committed, id="f" * 32))

    assert echo.runs == ["a b c"]
    assert rig.wechat.texts == ["a", "b", "c"]


async def test_a_replay_of_an_uncommitted_message_runs_once() -> None:
    """Its handler failed: it runs now, and its changes are made once."""
    runs: list[str] = []
    router = Router()

    @router.text
    async def fail_first(message: TextMessage) -> reply.Text:
        runs.append(message.content)
        if len(runs) == 1:
            raise Reject("on purpose")
        return reply.Text(message.content)

    rig = Rig(router)
    envelope = a_text_envelope("a")
    assert isinstance(await rig.handle(envelope), ToDeadLetters)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert death.committed is None
    replayed = replace(envelope, replay=True, id="f" * 32)
    for _ in range(2):
        assert isinstance(await rig.handle(replayed), Done)

    assert runs == ["a", "a"]
    assert rig.wechat.texts == ["a"]


async def test_the_conversation_is_recorded_within_its_limit() -> None:
    """The context has requests and responses, newest last, at most `max_record_count` of each."""
    router = Router(max_record_count=2)
    requests: list[list[str]] = []

    @router.text
    async def echo(message: TextMessage, context: Context) -> reply.Text:
        requests.append([one.content for one in context.requests if isinstance(one, TextMessage)])
        return reply.Text(message.content.upper())

    rig = Rig(router)
    for text in "abcd":
        await rig.handle(a_text_envelope(text))
    context = (await rig.memory.open(KEY, "")).context

    assert requests == [[], ["a"], ["a", "b"], ["b", "c"]]
    assert context.responses == [reply.Text("C"), reply.Text("D")]
    assert context.last_response == reply.Text("D")


async def test_an_unavailable_store_schedules_no_retry() -> None:
    """If the outbox cannot be read, the message waits for the store."""
    store = MemoryContextStore()
    answering = asyncio.Event()

    class Waits:
        async def until_available(self) -> None:
            store.unavailable = False
            answering.set()

    rig = Rig(Echo().router, store=store, availability=Waits())
    store.unavailable = True
    with pytest.raises(StoreUnavailable):
        await store.open(KEY, "")
    delivery = MemoryDelivery(a_text_envelope("a"))
    assert isinstance(await rig.handle(delivery), Done)
    assert answering.is_set()
    assert rig.wechat.texts == ["a"]
