"""Handlers as methods of a class."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.worker import Rig, a_text_envelope, an_event_envelope, route_for
from wxbus.bus.envelope import Envelope, new_id
from wxbus.testing import MemoryDelivery
from wxbus_worker import (
    ClickEvent,
    ConfigurationError,
    Context,
    Event,
    Features,
    Message,
    MessageHandler,
    Outcome,
    RetryPolicy,
    Router,
    ShortVideoMessage,
    SubscribeEvent,
    TextMessage,
    VideoMessage,
    current_delivery,
    options,
    reply,
)
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.settlement import Done, Retry
from wxbus_worker.testing import HandlerClient


def an_event(name: str) -> Envelope:
    """Return an event of the default user."""
    return an_event_envelope(name, openid="o_1", lane="wx1:o_1")


def included(handler: MessageHandler, router: Router | None = None) -> Router:
    """Return a router with the handler."""
    router = router or Router()
    router.include(handler)
    return router


async def test_methods_are_found_by_their_names() -> None:
    """Types come first, then events in any case, all events, unknown messages, and the default."""

    class Shop(MessageHandler):
        async def on_text(self, message: TextMessage) -> reply.Text:
            return reply.Text(f"text {message.content}")

        async def on_event_click(self, message: ClickEvent) -> reply.Text:
            return reply.Text(f"click {message.event_key}")

        async def on_event_brand_new(self, message: Event) -> reply.Text:
            return reply.Text(f"new {message.event}")

        async def on_event(self, message: Event) -> reply.Text:
            return reply.Text(f"event {message.event}")

        async def default_response(self, message: Message) -> reply.Text:
            return reply.Text(f"default {message.msg_type}")

    rig = Rig(included(Shop()))
    await rig.handle(a_text_envelope("x"))
    for event in ("CLICK", "Brand_New", "subscribe"):
        await rig.handle(an_event(event))
    await rig.handle(a_text_envelope(body=b'{"MsgType": "image", "MediaId": "m", "MsgId": "1"}'))
    assert rig.wechat.texts == ["text x", "click ", "new Brand_New", "event subscribe", "default image"]


async def test_a_type_comes_before_its_base() -> None:
    """Short videos are videos, and `on_short_video` gets them."""

    class Shop(MessageHandler):
        async def on_video(self, message: VideoMessage) -> None: ...

        async def on_short_video(self, message: ShortVideoMessage) -> None: ...

    header: dict[str, Any] = {"to_user": "gh", "from_user": "o", "created_at": 1, "media_id": "m"}
    for message in (ShortVideoMessage(**header), VideoMessage(**header)):
        found = await route_for(Shop().as_router(), message)
        assert found
        assert found.message_type is type(message)


async def test_hooks_run_before_and_after_a_method() -> None:
    """`on_executed` always runs, with the outcome; both hooks share features."""
    seen: list[object] = []

    class Shop(MessageHandler):
        features = (int,)

        async def on_executing(self, message: Message, features: Features) -> reply.Text | None:
            features[int] = 7
            stop = isinstance(message, TextMessage) and message.content == "stop"
            return reply.Text("stopped") if stop else None

        async def on_text(self, message: TextMessage, number: int) -> reply.Text:
            seen.append(number)
            if message.content == "fail":
                raise KeyError("x")
            return reply.Text("done")

        async def on_executed(self, outcome: Outcome, number: int) -> None:
            seen.append((outcome.returned, type(outcome.error), number))

    rig = Rig(included(Shop()))
    for text in ("go", "stop", "fail"):
        await rig.handle(a_text_envelope(text))
    nothing = type(None)
    assert seen == [
        7,
        (reply.Text("done"), nothing, 7),
        (reply.Text("stopped"), nothing, 7),
        7,
        (None, KeyError, 7),
    ]
    assert rig.wechat.texts == ["done", "stopped"]


async def test_on_executed_also_runs_after_the_time_limit() -> None:
    """Its outcome is the cancellation, and the message is retried."""
    outcomes: list[Outcome] = []

    class Shop(MessageHandler):
        async def on_text(self) -> None:
            await asyncio.Event().wait()

        async def on_executed(self, outcome: Outcome) -> str:
            outcomes.append(outcome)
            return "not a reply, and ignored"

    assert isinstance(await Rig(included(Shop()), time_limit=0.01).handle(a_text_envelope()), Retry)
    assert [type(one.error) for one in outcomes] == [asyncio.CancelledError]


async def test_plain_methods_run_in_threads() -> None:
    """They may block, and `current_delivery` works in them."""
    threads: list[str] = []

    class Shop(MessageHandler):
        def on_executing(self) -> None:
            threads.append(threading.current_thread().name)

        def on_text(self, message: TextMessage, context: Context) -> reply.Text:
            threads.append(threading.current_thread().name)
            context.storage["seen"] = message.content
            return reply.Text(f"{current_delivery().openid} {message.content}")

    rig = Rig(included(Shop()))
    await rig.handle(a_text_envelope("x"))
    assert rig.wechat.texts == ["o_1 x"]
    assert len(threads) == 2
    assert threading.main_thread().name not in threads


async def test_plain_methods_run_concurrently() -> None:
    """As many as `concurrency`: each waits in its thread until all have started."""
    users = 24  # more than the threads of asyncio's default executor
    barrier = threading.Barrier(users)

    class Shop(MessageHandler):
        def on_text(self) -> None:
            barrier.wait(timeout=60)

    rig = Rig(included(Shop()))
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(rig.work, concurrency=users, tasks=tasks)
        for openid in (f"o_{number}" for number in range(users)):
            lanes.deliver(MemoryDelivery(a_text_envelope(openid=openid, lane=f"wx1:{openid}")))
        await rig.until_settled(users)
    assert not barrier.broken


async def test_a_plain_method_may_raise_anything() -> None:
    """Also StopIteration, which a future cannot hold: without care the lane would block forever."""

    class Shop(MessageHandler):
        def on_text(self) -> None:
            next(iter(()))

    settlement = await Rig(included(Shop())).handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert isinstance(settlement.error, RuntimeError)
    assert isinstance(settlement.error.__cause__, StopIteration)


async def test_a_thread_that_exceeds_its_time_limit_is_awaited() -> None:
    """A thread cannot be stopped; the user's next message must not start before it ends."""
    loop, begun, release = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    ended: list[str] = []

    class Shop(MessageHandler):
        def on_text(self) -> None:
            loop.call_soon_threadsafe(begun.set)
            release.wait(60)
            ended.append("thread")

    rig = Rig(included(Shop()), time_limit=0.3)
    handling = asyncio.create_task(rig.handle(a_text_envelope()))
    await begun.wait()
    done, _ = await asyncio.wait({handling}, timeout=0.5)  # the handler's limit began before, and ends before
    assert not done
    release.set()
    assert isinstance(await handling, Retry)
    assert ended == ["thread"]


async def test_both_forms_can_be_mixed_on_a_router() -> None:
    """They match in the order of registration; middleware and error handlers run around both."""
    router = Router()

    class Shop(MessageHandler):
        async def on_text(self) -> reply.Text:
            raise KeyError

        async def on_event_subscribe(self, message: SubscribeEvent) -> reply.Text:
            return reply.Text(f"welcome {message.from_user}")

    @router.text("first")
    async def first() -> reply.Text:
        return reply.Text("function")

    router.include(Shop())

    @router.on_error
    async def sorry(error: Exception) -> reply.Text:
        return reply.Text(f"sorry {type(error).__name__}")

    rig = Rig(router)
    for envelope in (a_text_envelope("first"), a_text_envelope("x"), an_event("subscribe")):
        await rig.handle(envelope)
    assert rig.wechat.texts == ["function", "sorry KeyError", "welcome o_1"]


async def test_a_method_may_reply_to_errors() -> None:
    """`on_error` handles errors of all methods, a plain one in a thread; with None the error is passed on."""

    class Shop(MessageHandler):
        async def on_text(self, message: TextMessage) -> None:
            raise KeyError(message.content)

        def on_error(self, error: Exception) -> reply.Text | None:
            return reply.Text(f"sorry {error}") if error.args == ("answered",) else None

    rig = Rig(included(Shop()))
    assert isinstance(await rig.handle(a_text_envelope("answered")), Done)
    assert rig.wechat.texts == ["sorry 'answered'"]
    assert isinstance(await rig.handle(a_text_envelope("x")), Retry)


async def test_a_class_sets_the_options_of_its_methods() -> None:
    """Attributes set those of all methods, `options` those of one; `dedup` may be a method."""

    class Shop(MessageHandler):
        time_limit = timedelta(minutes=1)
        retry = RetryPolicy(delays=(timedelta(seconds=5),), attempts=2)

        def __init__(self) -> None:
            self.count = 0

        def dedup(self, message: Message) -> bool:
            return not isinstance(message, TextMessage)

        async def on_text(self, message: TextMessage) -> None:
            self.count += 1
            if message.content == "fail":
                raise KeyError

        @options(time_limit=timedelta(milliseconds=10))
        async def on_event_subscribe(self) -> None:
            await asyncio.Event().wait()

    shop = Shop()
    rig = Rig(included(shop))
    pushed = a_text_envelope("x")
    for envelope in (pushed, replace(pushed, id=new_id()), a_text_envelope("fail")):
        await rig.handle(envelope)
    assert shop.count == 3
    assert [delay for _, delay in rig.memory_publisher.retries] == ["5s"]
    settlement = await rig.handle(an_event("subscribe"))
    assert "took longer than 0.01 s" in str(getattr(settlement, "error", None))


async def test_a_class_may_set_the_context_policy() -> None:
    """Storage, expiry and record count are attributes, checked like those of a router."""

    class Cart(BaseModel):
        items: list[str] = []

    class Shop(MessageHandler):
        storage = Cart
        expire_after = timedelta(hours=2)
        max_record_count = 1

        async def on_text(self, message: TextMessage, context: Context[Cart]) -> None:
            context.storage.items.append(message.content)

    client = HandlerClient(Shop())
    await client.text("tea")
    context: Context[Any] = (await client.text("cups")).context
    assert context.storage == Cart(items=["tea", "cups"])
    assert context.expire_after == timedelta(hours=2)
    assert len(context.requests) == 1

    class Wrong(MessageHandler):
        expire_after = timedelta()

    with pytest.raises(ConfigurationError, match="expire_after must be a timedelta of more than zero"):
        Wrong().as_router()


def test_a_method_that_handles_nothing_is_an_error() -> None:
    """A misspelt method would never be called."""

    class Misspelt(MessageHandler):
        async def on_txt(self) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Misspelt\.on_txt: 'txt' is not a type of message"):
        Misspelt().as_router()

    class Wrong(MessageHandler):
        async def on_text(self, message: ClickEvent) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Wrong\.on_text: parameter 'message' takes ClickEvent"):
        Wrong().as_router()

    class NoMethod(MessageHandler):
        on_text = timedelta()

    with pytest.raises(ConfigurationError, match="on_text must be a method"):
        NoMethod().as_router()
