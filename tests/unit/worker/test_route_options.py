"""Options of a route: retries, time limit, duplicates."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.worker import Rig, a_text_envelope
from wxbus.bus.envelope import new_id
from wxbus.testing import MemoryDelivery
from wxbus_worker import (
    ConfigurationError,
    Context,
    MessageHandler,
    RetryLater,
    RetryPolicy,
    Router,
    TextMessage,
    current_delivery,
    options,
    reply,
)
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters


async def test_a_route_has_its_own_delays_and_attempts() -> None:
    """The worker's policy applies to routes without one; the last delay repeats."""
    router = Router()

    @router.text("own", retry=RetryPolicy(delays=(timedelta(seconds=5), timedelta(seconds=30)), attempts=4))
    async def own() -> None:
        raise ValueError

    @router.text
    async def other() -> None:
        raise ValueError

    rig = Rig(router, delays=("1s",))
    for text, delays in (("own", ["5s", "30s", "30s"]), ("other", ["1s"])):
        envelope = a_text_envelope(text)
        rig.memory_publisher.retries.clear()
        while isinstance(await rig.handle(envelope), Retry):
            envelope = rig.memory_publisher.retries[-1][0]
        assert [delay for _, delay in rig.memory_publisher.retries] == delays
    assert [death.attempts for _, death in rig.memory_publisher.dead_letters] == [4, 2]


async def test_a_blocking_route_holds_the_users_later_messages() -> None:
    """Its message is retried in its lane before later ones; other users are not affected."""
    router = Router()
    runs: list[tuple[str, int]] = []
    other_done = asyncio.Event()

    @router.text("first", retry=RetryPolicy(delays=(timedelta(seconds=1), timedelta(seconds=5)), blocking=True))
    async def first() -> reply.Text:
        runs.append(("first", current_delivery().attempt))
        if len(runs) < 3:
            raise ValueError
        return reply.Text("first")

    @router.text
    async def rest(message: TextMessage) -> reply.Text:
        if message.content == "other":
            other_done.set()
        else:
            runs.append((message.content, current_delivery().attempt))
        return reply.Text(message.content)

    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        await other_done.wait()

    rig = Rig(router, pause=pause)
    envelopes = [a_text_envelope("first"), a_text_envelope("second")]
    envelopes.append(a_text_envelope("other", openid="o_2", lane="wx1:o_2"))
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(rig.work, concurrency=1, tasks=tasks)  # a blocked lane does not count
        for envelope in envelopes:
            lanes.deliver(MemoryDelivery(envelope))
        await rig.until_settled(3)

    assert runs == [("first", 1), ("first", 2), ("first", 3), ("second", 1)]
    assert waits == [1, 5]
    assert rig.wechat.texts == ["other", "first", "second"]
    assert not rig.memory_publisher.retries


async def test_a_blocking_route_gives_up_after_its_attempts() -> None:
    """The message is dead-lettered with all attempts counted; the handler's delay is limited."""
    router = Router()
    waits: list[float] = []

    @router.text(retry=RetryPolicy(delays=(timedelta(seconds=1),), attempts=3, blocking=True))
    async def fail() -> None:
        raise RetryLater("not yet", after=timedelta(hours=1))

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    rig = Rig(router, pause=pause)
    assert isinstance(await rig.handle(a_text_envelope()), ToDeadLetters)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert (death.reason, death.attempts) == ("attempts", 3)
    assert waits == [300, 300]


async def test_a_lost_partition_ends_the_wait_of_a_blocked_lane() -> None:
    """Nothing is settled: the message belongs to the next owner."""
    router = Router()
    blocked = asyncio.Event()

    @router.text(retry=RetryPolicy(delays=(timedelta(seconds=1),), blocking=True))
    async def fail() -> None:
        raise ValueError

    async def pause(_: float) -> None:
        blocked.set()
        await asyncio.Event().wait()

    rig = Rig(router, pause=pause)
    job = Job(MemoryDelivery(a_text_envelope()))
    job.task = asyncio.create_task(rig.pipeline(job))  # type: ignore[arg-type] # it returns how it was settled
    await blocked.wait()
    job.abandon()
    with pytest.raises(asyncio.CancelledError):
        await job.task
    assert not job.delivery.acked  # type: ignore[attr-defined]


async def test_a_route_has_its_own_time_limit() -> None:
    """It replaces the worker's; the error names the handler."""
    router = Router()

    @router.text(time_limit=timedelta(milliseconds=10))
    async def slow() -> None:
        await asyncio.Event().wait()

    settlement = await Rig(router).handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert str(settlement.error).endswith("slow took longer than 0.01 s")


@pytest.mark.parametrize("by_predicate", [False, True])
async def test_a_route_may_accept_duplicates(by_predicate: bool) -> None:
    """WeChat's second push is handled again; RabbitMQ's second delivery of one push is not."""
    router = Router()
    dedup = (lambda message: message.content != "again") if by_predicate else False

    @router.text("again", "once", dedup=dedup)
    async def count(context: Context) -> reply.Text:
        context.storage["count"] = context.storage.get("count", 0) + 1
        return reply.Text(str(context.storage["count"]))

    rig = Rig(router)
    pushed = a_text_envelope("again")
    for envelope in (pushed, replace(pushed, id=new_id()), pushed):
        assert isinstance(await rig.handle(envelope), Done)
    assert rig.wechat.texts == ["1", "2"]
    pushed = a_text_envelope("once")
    for envelope in (pushed, replace(pushed, id=new_id())):
        await rig.handle(envelope)
    assert rig.wechat.texts[2:] == (["3"] if by_predicate else ["3", "4"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"delays": (timedelta(seconds=2),)},
            r"retry delay datetime.timedelta\(seconds=2\) has no queue; a delay must be a timedelta of 1s, 5s, 30s, 2m",
        ),
        ({"delays": ("1s",)}, "retry delay '1s' has no queue; a delay must be a timedelta of 1s"),
        ({"attempts": 0}, "attempts must be 1 or more, not 0"),
        ({"delays": (), "attempts": 2}, "2 attempts need a delay"),
        ({"blocking": True}, "600 s at most, these delays add up to 4356 s"),
    ],
)
def test_a_wrong_policy_is_an_error(options: dict[str, object], text: str) -> None:
    """The error states the limit: a blocked lane must not exceed RabbitMQ's consumer timeout."""
    with pytest.raises(ConfigurationError, match=text):
        RetryPolicy(**options)  # type: ignore[arg-type] # what is tested


async def of_everything(_: TextMessage) -> bool:
    """Return a coroutine, which is always true."""
    return False


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"time_limit": timedelta()}, "time_limit must be a timedelta of more than zero and at most 0:10:00, not"),
        ({"time_limit": timedelta(hours=1)}, "at most 0:10:00"),  # far below RabbitMQ's consumer timeout
        ({"time_limit": 5}, "time_limit must be a timedelta .* not 5"),
        ({"retry": 3}, "retry must be a RetryPolicy, not 3"),
        ({"dedup": "no"}, "dedup must be a plain function of the message, not 'no'"),
        ({"dedup": of_everything}, "dedup must be a plain function"),
        (
            {"timelimit": timedelta(1)},
            "unknown options timelimit; the options are account, state, retry, time_",
        ),
    ],
)
def test_wrong_options_are_errors(given: dict[str, Any], text: str) -> None:
    """They are reported at registration, in both forms of handlers."""

    async def handle() -> None: ...

    with pytest.raises(ConfigurationError, match=text):
        Router().text(**given)(handle)

    class Shop(MessageHandler):
        @options(**given)
        async def on_text(self) -> None: ...

    with pytest.raises(ConfigurationError, match=text):
        Shop().as_router()
