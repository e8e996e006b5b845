"""Every delivery is settled exactly once."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.metrics import counted
from tests.support.worker import KEY, Rig, a_text_envelope
from wxbus.bus.envelope import Envelope
from wxbus.errors import BrokerUnavailable, StoreUnavailable, TokenUnavailable
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus_worker import (
    AnyMessage,
    CallNext,
    Context,
    HandlerCall,
    MessageHandler,
    Reject,
    RetryLater,
    Router,
    TextMessage,
    UnknownMessage,
    current_delivery,
    reply,
)
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.settlement import Abandon, Done, Retry


def failing(error: Exception) -> Router:
    """Return a router whose handler raises this error."""
    router = Router()

    @router.text
    async def fail() -> None:
        raise error

    return router


async def test_a_handled_message_is_acknowledged_and_its_reply_sent() -> None:
    """A success stores the context, sends the reply and acknowledges the delivery."""
    router = Router()

    @router.text
    async def count(context: Context) -> reply.Text:
        context.storage["count"] = context.storage.get("count", 0) + 1
        return reply.Text(str(context.storage["count"]))

    rig = Rig(router)
    deliveries = [MemoryDelivery(a_text_envelope()) for _ in range(3)]
    for delivery in deliveries:
        assert isinstance(await rig.handle(delivery), Done)

    assert rig.wechat.texts == ["1", "2", "3"]
    assert all(delivery.acked for delivery in deliveries)
    assert not rig.memory.outbox(KEY)


@pytest.mark.parametrize("form", ["router", "class"])
async def test_a_traceback_starts_with_the_handlers_code(form: str) -> None:
    """The stages above it are cut off; the traceback of an error in a stage shows the stage."""

    async def fail() -> None:
        raise Reject("the reason")

    async def keep(context: Context) -> None:
        context.storage["what"] = what = list[object]()
        what.append({1, 2})  # JSON has no sets

    async def around(call: HandlerCall, call_next: CallNext) -> object:
        return await call_next(call)

    class Shop(MessageHandler):
        on_text = staticmethod(fail)

    router = Router()
    router.text("keep")(keep)
    router.middleware(around)
    if form == "class":
        router.include(Shop())
    else:
        router.text(fail)
    rig = Rig(router, delays=())
    for content in ("fail", "keep"):
        await rig.handle(a_text_envelope(content))
    handlers, ours = (death.traceback.splitlines() for _, death in rig.memory_publisher.dead_letters)
    assert "test_settlement.py" in handlers[1]
    assert not any("stages" in line for line in handlers)
    assert any("stages/handle_message.py" in line for line in ours)


async def test_a_failing_message_is_retried_with_growing_delays_then_dead_lettered() -> None:
    """The dead letter has reason, number of attempts, error and traceback."""
    rig = Rig(failing(ZeroDivisionError("the reason")), delays=("1s", "5s"))
    envelope = a_text_envelope()
    deliveries: list[MemoryDelivery] = []
    for _ in range(3):
        deliveries.append(MemoryDelivery(envelope))
        await rig.handle(deliveries[-1])
        assert deliveries[-1].acked
        if rig.memory_publisher.retries:
            envelope = rig.memory_publisher.retries[-1][0]

    assert [(retry.attempt, delay) for retry, delay in rig.memory_publisher.retries] == [(2, "1s"), (3, "5s")]
    ((dead_letter, death),) = rig.memory_publisher.dead_letters
    assert dead_letter is deliveries[-1]
    assert (death.reason, death.attempts) == ("attempts", 3)
    assert death.error == "ZeroDivisionError: the reason"
    assert "in fail" in death.traceback


async def test_a_retry_keeps_its_identity() -> None:
    """Only the attempt changes: with another id the retry would not be recognized as a duplicate."""
    rig = Rig(failing(ValueError()))
    envelope = a_text_envelope()
    await rig.handle(envelope)

    assert rig.memory_publisher.retries == [(replace(envelope, attempt=2), "1s")]


@pytest.mark.parametrize(("after", "delay"), [(None, "1s"), (0.5, "1s"), (5, "5s"), (6, "30s"), (90_000, "1h")])
async def test_retry_later_sets_the_delay(after: float | None, delay: str) -> None:
    """The delay is rounded up to one that has a queue; without a delay the policy decides."""
    rig = Rig(failing(RetryLater("not yet", after=None if after is None else timedelta(seconds=after))))
    await rig.handle(a_text_envelope())

    assert [name for _, name in rig.memory_publisher.retries] == [delay]


async def test_an_unavailable_service_is_retried() -> None:
    """The message waits in a retry queue, not in the dead letters."""
    rig = Rig(failing(TokenUnavailable("no token")))
    assert isinstance(await rig.handle(a_text_envelope()), Retry)
    assert len(rig.memory_publisher.retries) == 1


async def test_a_rejected_message_is_dead_lettered_at_once() -> None:
    """A rejected message becomes a dead letter without a further attempt."""
    rig = Rig(failing(Reject("no such order")))
    delivery = MemoryDelivery(a_text_envelope())
    await rig.handle(delivery)

    ((_, death),) = rig.memory_publisher.dead_letters
    assert (death.reason, death.error, death.attempts) == ("reject", "Reject: no such order", 1)
    assert delivery.acked
    assert not rig.memory_publisher.retries


async def test_dead_letters_have_no_secrets() -> None:
    """A token in an error's text is redacted in the error line and in the traceback."""
    rig = Rig(failing(Reject("GET https://api/x?access_token=hunter2&a=b")))
    await rig.handle(a_text_envelope())

    ((_, death),) = rig.memory_publisher.dead_letters
    assert "hunter2" not in death.error + death.traceback
    assert "access_token=***" in death.error


async def test_an_unreadable_delivery_is_dead_lettered_and_its_lane_continues() -> None:
    """It must not stay unacknowledged until the worker ends."""
    router = Router()

    @router.default
    async def handle() -> reply.Text:
        return reply.Text("seen")

    rig = Rig(router)
    lane = a_text_envelope().lane

    class Unreadable(MemoryDelivery):
        @property
        def lane(self) -> str:
            return lane

    unreadable, no_document, fine = (
        Unreadable(None),
        MemoryDelivery(a_text_envelope(body=b"[1, 2]")),
        MemoryDelivery(a_text_envelope()),
    )
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(rig.work, concurrency=1, tasks=tasks)
        for delivery in (unreadable, no_document, fine):
            lanes.deliver(delivery)
        await rig.until_settled(3)

    assert [death.reason for _, death in rig.memory_publisher.dead_letters] == ["unreadable", "unreadable"]
    assert unreadable.acked
    assert no_document.acked
    assert fine.acked
    assert rig.wechat.texts == ["seen"]


async def test_a_message_without_a_handler_is_acknowledged_and_counted() -> None:
    """WeChat sends many events that a bot does not handle: that is no failure."""
    router = Router()

    @router.image
    async def image() -> None: ...

    rig = Rig(router)
    delivery = MemoryDelivery(a_text_envelope())
    assert isinstance(await rig.handle(delivery), Done)
    assert delivery.acked
    assert counted(rig.metrics.unhandled) == 1


async def test_a_message_of_an_unknown_account_is_retried() -> None:
    """Ingress may load a new account before the worker does."""
    rig = Rig(failing(ValueError()))
    assert isinstance(await rig.handle(a_text_envelope(appid="wx_new")), Retry)
    assert len(rig.memory_publisher.retries) == 1


async def test_a_handler_has_a_time_limit() -> None:
    """A handler that never ends is cancelled and its message retried: it must not block its partition."""
    router = Router()

    @router.text
    async def hang() -> None:
        await asyncio.Event().wait()

    rig = Rig(router, time_limit=0.01)
    settlement = await rig.handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert "hang took longer than 0.01 s" in str(settlement.error)


async def test_a_timeout_error_of_the_handler_is_not_the_time_limit() -> None:
    """It is logged as the handler's own error."""
    settlement = await Rig(failing(TimeoutError("its own"))).handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert isinstance(settlement.error, TimeoutError)


async def test_a_cancelled_error_of_the_handler_is_a_failure() -> None:
    """A handler that awaits a cancelled future raises CancelledError, although its task is not cancelled."""
    router = Router()

    @router.text
    async def await_cancelled() -> None:
        cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        await cancelled

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), Retry)
    assert len(rig.memory_publisher.retries) == 1


async def test_a_cancelled_delivery_is_not_settled() -> None:
    """A worker that stops keeps nothing: RabbitMQ redelivers the message."""
    router = Router()
    started = asyncio.Event()

    @router.text
    async def hang(context: Context) -> None:
        context.storage["half"] = "done"
        started.set()
        await asyncio.Event().wait()

    rig = Rig(router)
    delivery = MemoryDelivery(a_text_envelope())
    running = asyncio.create_task(rig.handle(delivery))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert not delivery.acked
    assert not rig.memory_publisher.retries
    assert not rig.memory_publisher.dead_letters
    assert (await rig.memory.open(KEY, "")).context.storage == {}


async def test_an_abandoned_delivery_is_not_settled() -> None:
    """Its partition was lost while its replies were sent: they are sent, but another worker receives the delivery."""
    router = Router()

    @router.text
    async def echo(message: TextMessage) -> reply.Text:
        return reply.Text(message.content)

    rig = Rig(router)
    rig.wechat.open.clear()
    job = Job(MemoryDelivery(a_text_envelope("hello")))
    work = asyncio.create_task(rig.work(job))
    job.task = work  # type: ignore[assignment] # a job only cancels it
    await rig.wechat.sending.wait()
    job.abandon()
    rig.wechat.open.set()

    assert isinstance(await work, Abandon)
    assert rig.wechat.texts == ["hello"]
    assert not job.delivery.acked  # type: ignore[attr-defined]


async def test_an_abandoned_failure_is_not_retried() -> None:
    """The next owner runs the message anyway: a retry would be a second copy."""
    router = Router()

    @router.text
    async def echo() -> reply.Text:
        return reply.Text("x")

    rig = Rig(router)
    rig.wechat.open.clear()
    rig.wechat.errors.append(TokenUnavailable("no token"))
    job = Job(MemoryDelivery(a_text_envelope()))
    work = asyncio.create_task(rig.work(job))
    job.task = work  # type: ignore[assignment] # a job only cancels it
    await rig.wechat.sending.wait()
    job.abandon()
    rig.wechat.open.set()

    assert isinstance(await work, Abandon)
    assert not rig.memory_publisher.retries


async def test_a_lost_channel_at_the_acknowledgement_is_no_failure() -> None:
    """The message is done; it is redelivered, and found to be a duplicate."""
    router = Router()

    @router.text
    async def echo() -> reply.Text:
        return reply.Text("once")

    rig = Rig(router)
    envelope = a_text_envelope()
    await rig.handle(MemoryDelivery(envelope, lost=True))
    again = MemoryDelivery(envelope, redelivered=True)
    await rig.handle(again)

    assert again.acked
    assert rig.wechat.texts == ["once"]
    assert not rig.memory_publisher.retries


async def test_a_retry_waits_for_the_broker() -> None:
    """Without a confirm the delivery is not acknowledged; then it is settled once."""
    acked_before_confirm: list[bool] = []

    class Unavailable(MemoryPublisher):
        async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
            if not acked_before_confirm:
                acked_before_confirm.append(delivery.acked)
                raise BrokerUnavailable("no confirm")
            await super().schedule_retry(envelope, delay=delay, budget=budget)

    publisher = Unavailable()
    delivery = MemoryDelivery(a_text_envelope())
    await Rig(failing(ValueError()), publisher=publisher).handle(delivery)

    assert acked_before_confirm == [False]
    assert delivery.acked
    assert len(publisher.retries) == 1


async def test_a_handler_without_redis_waits_for_it() -> None:
    """Nothing is retried or dead-lettered while Redis is unavailable: then the message runs again."""
    router = Router()
    attempts = []

    @router.text
    async def uses_the_store() -> None:
        attempts.append(current_delivery().attempt)
        if len(attempts) < 3:
            raise StoreUnavailable("no answer")

    rig = Rig(router)
    delivery = MemoryDelivery(a_text_envelope())
    await rig.handle(delivery)

    assert attempts == [1, 1, 1]
    assert delivery.acked
    assert not rig.memory_publisher.retries


async def test_the_current_delivery_is_known_during_its_handler_only() -> None:
    """Each handler sees its own delivery, and no other code sees one."""
    router = Router()
    seen = []

    async def deep_below() -> None:
        await asyncio.sleep(0)
        seen.append((current_delivery().openid, current_delivery().attempt, current_delivery().account))

    @router.text
    async def handle() -> None:
        await deep_below()

    rig = Rig(router)
    await asyncio.gather(
        rig.handle(a_text_envelope(openid="o_1")), rig.handle(a_text_envelope(openid="o_2", attempt=4))
    )

    assert sorted(seen) == [("o_1", 1, "shop"), ("o_2", 4, "shop")]
    with pytest.raises(LookupError, match="below a handler"):
        current_delivery()


async def test_a_context_that_json_cannot_hold_names_its_key() -> None:
    """The error names the entry of `storage` that JSON cannot hold."""
    router = Router()

    @router.text
    async def keep(context: Context) -> None:
        context.storage["fine"] = 1
        context.storage["bad"] = {1, 2}

    settlement = await Rig(router).handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert "context.storage['bad']" in str(settlement.error)


async def test_an_unknown_type_reaches_default() -> None:
    """The handler gets the whole document."""
    router = Router()
    seen = []

    @router.default
    async def handle(message: AnyMessage) -> None:
        seen.append(message)

    await Rig(router).handle(a_text_envelope(body=json.dumps({"MsgType": "hologram", "X": "1"}).encode()))
    (message,) = seen
    assert isinstance(message, UnknownMessage)
    assert message.document == {"MsgType": "hologram", "X": "1"}
