"""A user who floods: the messages beyond the share wait in the overflow, in order, and take no places of others."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.lanes import a_delivery
from tests.support.overflow import MemoryOverflow, OverflowingWorker, stored
from tests.support.sizes import soak
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.topology import WAKEUP
from wxbus.errors import BrokerUnavailable
from wxbus.testing import MemoryDelivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.partition import CROWDED, CROWDED_SHARE, SHARE, SHARE_BYTES

FLOODER = "wx1:flooder"
FLOOD = soak(full=1_000, quick=200)
"""Messages, several times the share of a lane."""


def flood(count: int) -> list[MemoryDelivery]:
    """Return that many messages of one user."""
    return [a_delivery("flooder", number) for number in range(count)]


async def steps(count: int = 30) -> None:
    """Let everything go on that can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_user_who_floods_takes_few_places_of_others() -> None:
    """While his handler hangs, his other messages are acknowledged to RabbitMQ, and all other users are served."""
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks)
        messages, others = flood(FLOOD), [a_delivery(f"o_{number}") for number in range(200)]
        with capture_logs() as logs:
            for delivery in (*messages, *others):
                worker.lanes.deliver(delivery)
            for number in range(200):
                worker.work.release(f"o_{number}")
            await worker.work.until(ended=200)
            await steps()

        assert sum(not one.acked for one in messages) <= 1, "only the one that runs may take a place"
        assert all(one.acked for one in others)
        assert (worker.lanes.overflowing, worker.lanes.waiting) == (1, FLOOD)
        assert worker.registry.get_sample_value("wxbus_worker_lane_overflows_total") == 1
        [warning] = [line for line in logs if line["event"] == "lane.overflows"]
        assert "flooder" not in str(warning)
        assert warning["waiting"] > SHARE

        worker.work.release("flooder", FLOOD)
        await worker.idle()
    assert worker.work.ended.count(FLOODER) == FLOOD
    assert (worker.overflow.messages[FLOODER], worker.overflow.note_ids) == ([], {0: {}})


async def test_the_order_of_the_lane_is_kept() -> None:
    """Messages that arrive meanwhile run after those in the overflow; then the lane is an ordinary one again."""
    numbers: list[int] = []

    async def record(job: Job) -> None:
        await asyncio.sleep(0)
        numbers.append(number_of(job.delivery.envelope()))
        await job.delivery.ack()

    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks, handle=record)
        given = iter(flood(200))
        for delivery in given:
            worker.lanes.deliver(delivery)
            if int(delivery.envelope().id[-2:], 16) % 4 == 0:
                await asyncio.sleep(0)
        await worker.idle()
        assert (numbers, worker.lanes.overflowing) == (list(range(200)), 0)
        worker.lanes.deliver(last := a_delivery("flooder", 200))
        await worker.idle()

    assert numbers == list(range(201))
    assert last.acked


def number_of(envelope: Envelope) -> int:
    """Return the number in a text."""
    return int(envelope.body.split(b'"Content": "')[1].split(b'"')[0])


ROOM = 10 * len(stored(a_delivery("flooder")))


@pytest.mark.parametrize("by_another", [False, True])
async def test_without_room_messages_stay_in_rabbitmq(by_another: bool) -> None:
    """In order, unacknowledged, and visible; also if another lane has all of the room, and none of this one fits."""
    numbers: list[int] = []
    go = asyncio.Event()

    async def record(job: Job) -> None:
        await go.wait()
        if job.delivery.lane == FLOODER:
            numbers.append(number_of(job.delivery.envelope()))
        await job.delivery.ack()

    overflow = MemoryOverflow(max_bytes=ROOM)
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks, overflow, handle=record)
        messages = flood(100)
        with capture_logs() as logs:
            if by_another:
                for number in range(SHARE + 20):
                    worker.lanes.deliver(a_delivery("another", number))
                await steps()
            for delivery in messages:
                worker.lanes.deliver(delivery)
                if len(overflow.messages.get(FLOODER, ())) == 5:
                    await asyncio.sleep(0)
            await steps()
        held = [FLOODER, "wx1:another"] if by_another else [FLOODER]
        assert worker.lanes.held_back == len(held)
        assert overflow.used <= ROOM
        assert sum(not one.acked for one in messages) >= 90
        assert len([line for line in logs if line["event"] == "overflow.full"]) >= 1
        go.set()
        await worker.idle()
        assert (worker.lanes.held_back, worker.lanes.overflowing) == (0, 0)

    assert numbers == list(range(100))
    assert all(one.acked for one in messages)
    assert overflow.used == 0


@pytest.mark.parametrize("by_another", [False, True])
async def test_without_room_a_successor_goes_on_in_order(by_another: bool) -> None:
    """An overflow has all of a lane or nothing, also if there is room again while the lane runs from memory."""

    async def record(job: Job, numbers: list[int]) -> None:
        if job.delivery.lane != FLOODER:
            await asyncio.Event().wait()
        await steps(5)
        numbers.append(number_of(job.delivery.envelope()))
        await job.delivery.ack()

    for handled in (1, 6, 20, 50):
        overflow = MemoryOverflow(max_bytes=ROOM)
        messages, before, after = flood(100), list[int](), list[int]()
        async with asyncio.TaskGroup() as tasks:
            first = OverflowingWorker(tasks, overflow, handle=partial(record, numbers=before))
            for number in range(SHARE + 20 if by_another else 0):
                first.lanes.deliver(a_delivery("another", number))
            await steps()
            for delivery in messages[:60]:
                first.lanes.deliver(delivery)
            while len(before) < handled:  # noqa: ASYNC110 - every iteration of the loop counts
                await asyncio.sleep(0)
            overflow.messages.pop("wx1:another", None)
            for delivery in messages[60:]:
                first.lanes.deliver(delivery)
            await steps(8)
            first.lanes.lost(0)
            await steps()
            second = OverflowingWorker(tasks, overflow, handle=partial(record, numbers=after))
            for delivery in messages:
                if not delivery.acked:
                    second.lanes.deliver(MemoryDelivery(delivery.envelope(), redelivered=True))
            second.lanes.deliver(a_delivery("flooder", 100))
            await second.idle()
        assert before == list(range(len(before)))
        assert after == list(range(after[0], 101))
        assert after[0] <= len(before)


async def test_nothing_starts_before_the_overflows_are_known() -> None:
    """A worker that takes over a partition goes on with a lane's overflow before later messages of the lane."""
    overflow = MemoryOverflow()
    async with asyncio.TaskGroup() as tasks:
        before = OverflowingWorker(tasks, overflow)
        for delivery in flood(SHARE + 2):
            before.lanes.deliver(delivery)
        await steps()
        before.lanes.lost(0)

        overflow.open.clear()
        after = OverflowingWorker(tasks, overflow)
        late, other = a_delivery("flooder", 99), a_delivery("other")
        after.lanes.deliver(late)
        after.lanes.deliver(other)
        await steps()
        assert after.lanes.running == 0
        overflow.open.set()
        await after.work.until(started=2)
        assert late.acked
        after.work.release("other")
        after.work.release("flooder", SHARE + 3)
        await after.idle()

    assert after.work.ended.count(FLOODER) == SHARE + 3
    assert other.acked


async def test_a_note_goes_round_while_a_lane_overflows() -> None:
    """It wakes the next consumer of the partition after a crash; notes of earlier overflows end."""
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks)
        for delivery in flood(SHARE + 2):
            worker.lanes.deliver(delivery)
        await steps()
        [(note, delay)] = worker.publisher.retries
        assert (note.kind, note.lane, delay) == (EnvelopeKind.LANE_OVERFLOWS, FLOODER, WAKEUP)

        current, old = MemoryDelivery(note), a_delivery("flooder")
        assert old.content
        old.content = Envelope(**{**_fields(note), "id": "old"})
        for delivery in (current, old):
            worker.lanes.deliver(delivery)
        await steps()
        assert worker.publisher.retries == [(note, delay), (note, delay)]
        assert (current.acked, old.acked, len(worker.overflow.messages[FLOODER])) == (True, True, SHARE + 2)
        worker.work.release("flooder", SHARE + 2)
        await worker.idle()


def _fields(envelope: Envelope) -> dict[str, Any]:
    return {name: getattr(envelope, name) for name in Envelope.__slots__}


async def test_nothing_is_moved_before_the_note_is_confirmed() -> None:
    """Else a crash could leave messages that no later delivery leads to."""
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks)
        worker.publisher.unavailable = True
        messages = flood(SHARE + 2)
        for delivery in messages:
            worker.lanes.deliver(delivery)
        await steps()
        assert not worker.overflow.messages
        assert not any(one.acked for one in messages)
        worker.publisher.unavailable = False
        worker.work.release("flooder", SHARE + 2)
        await worker.idle()
    assert all(one.acked for one in messages)


async def test_a_worker_whose_tenure_has_ended_disconnects() -> None:
    """It was frozen: its deliveries belong to another worker."""
    overflow = MemoryOverflow()
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks, overflow)
        worker.lanes.deliver(a_delivery("flooder"))
        await worker.work.until(started=1)
        await overflow.take_over(0)
        messages = flood(SHARE + 2)
        for delivery in messages:
            worker.lanes.deliver(delivery)
        await steps()
        assert worker.disconnects == ["another worker consumes partition 0 now, or Redis has lost its data"]
        assert not any(one.acked for one in messages)
        worker.lanes.lost(0)


async def test_a_drained_partition_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message that runs is removed from the overflow when it has ended; none starts any more."""
    monkeypatch.setattr("wxbus_worker.delivery.overflows.LAST_COMMAND", 60.0)
    overflow = MemoryOverflow()
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks, overflow)
        for delivery in flood(SHARE + 2):
            worker.lanes.deliver(delivery)
        await steps()
        draining = tasks.create_task(worker.lanes.drain(0))
        await steps()
        assert not draining.done()
        worker.work.release("flooder", 5)
        await draining
        assert (len(worker.work.started), len(overflow.messages[FLOODER])) == (1, SHARE + 1)


async def test_the_share_is_bounded_by_bytes() -> None:
    """Large messages fill the memory sooner."""
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks)
        for number in range(4):
            large = a_delivery("large", number)
            assert large.content
            large.content = Envelope(**{**_fields(large.content), "body": bytes(SHARE_BYTES // 2)})
            worker.lanes.deliver(large)
            await steps()
            assert worker.lanes.overflowing == (number == 3), "with the third that waits it is over the limit"
        worker.lanes.lost(0)


async def test_slow_lanes_make_room_in_a_crowded_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many users with less than their share would fill it together; lanes that are quick stay as they are."""
    monkeypatch.setattr("wxbus_worker.delivery.overflows.SLOW", 0.01)
    monkeypatch.setattr("wxbus_worker.delivery.partition.SLOW", 0.0)
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks)
        waiting = CROWDED_SHARE + 4
        lanes = CROWDED // waiting + 5
        messages = [a_delivery(f"o_{lane}", number) for lane in range(lanes) for number in range(1 + waiting)]
        for delivery in messages[: len(messages) // 2]:
            worker.lanes.deliver(delivery)
        await asyncio.sleep(0.1)
        assert worker.lanes.overflowing == 0, "it is not crowded yet"
        for delivery in messages[len(messages) // 2 :]:
            worker.lanes.deliver(delivery)
        while worker.lanes.overflowing < lanes:  # noqa: ASYNC110 - a timer starts them
            await asyncio.sleep(0.01)
        for lane in range(lanes):
            worker.work.release(f"o_{lane}", 1 + waiting)
        await worker.idle()
    assert len(worker.work.ended) == len(messages)


@dataclass
class Broker:
    """A partition that is consumed by one worker after another; acknowledgements can get lost."""

    rng: random.Random
    ready: deque[Envelope] = field(default_factory=deque)
    out: list[MemoryDelivery] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)

    def deliver(self, worker: OverflowingWorker, prefetch: int) -> None:
        """Deliver as much as the prefetch allows."""
        self.out = [one for one in self.out if not one.acked]
        self.ready.extend(note for note, _ in worker.publisher.retries)
        worker.publisher.retries.clear()
        while self.ready and len(self.out) < prefetch:
            envelope = self.ready.popleft()
            delivery = MemoryDelivery(envelope, redelivered=envelope.id in self.delivered)
            self.delivered.add(envelope.id)
            self.out.append(delivery)
            worker.lanes.deliver(delivery)

    def lose(self, worker: OverflowingWorker) -> None:
        """Take everything back that is not acknowledged, and some of what is."""
        back = [one.content for one in self.out if one.content and (not one.acked or self.rng.random() < 0.5)]
        for one in self.out:
            one.lost = True
        self.ready.extendleft(reversed(back))
        self.ready.extend(note for note, _ in worker.publisher.retries)
        self.out = []


async def test_no_crash_changes_the_order_of_a_lane() -> None:
    """Whatever the moment: with lost acknowledgements and redelivery each lane is handled whole, in order, once.

    Some workers learn late that they have lost the partition, and go on meanwhile.
    """
    for seed in range(soak(full=3_000, quick=15)):
        rng = random.Random(seed)
        broker, overflow = Broker(rng), MemoryOverflow()
        handled: dict[str, list[int]] = {"wx1:a": [], "wx1:b": []}
        counts = {"a": rng.randint(50, 120), "b": rng.randint(1, 60)}
        messages = [(openid, number) for openid, count in counts.items() for number in range(count)]
        for openid, number in sorted(messages, key=lambda one: (one[1], rng.random())):
            broker.ready.append(a_delivery(openid, number).envelope())

        async def handle(job: Job, handled: dict[str, list[int]] = handled, rng: random.Random = rng) -> None:
            for _ in range(rng.choice((1, 1, 3, 20))):
                await asyncio.sleep(0)
            envelope, done = job.delivery.envelope(), handled[job.delivery.lane]
            if envelope.kind is EnvelopeKind.CALLBACK and number_of(envelope) not in done:  # as the commit
                done.append(number_of(envelope))
            await asyncio.sleep(0)
            try:
                await job.delivery.ack()
            except BrokerUnavailable:
                return

        frozen: list[OverflowingWorker] = []
        async with asyncio.TaskGroup() as tasks:
            worker = OverflowingWorker(tasks, overflow, handle)
            for _ in range(rng.randint(1, 6)):
                for _ in range(rng.randint(1, 40)):
                    broker.deliver(worker, 100)
                    await steps(rng.randint(1, 4))
                broker.lose(worker)
                if rng.random() < 0.3:
                    frozen.append(worker)
                else:
                    worker.lanes.lost(0)
                worker = OverflowingWorker(tasks, overflow, handle)
            while broker.ready or broker.out or any(overflow.messages.values()):
                broker.deliver(worker, 100)
                await steps(5)
            await worker.idle()
            for one in frozen:
                one.lanes.lost(0)
        expected = {f"wx1:{openid}": list(range(count)) for openid, count in counts.items()}
        assert handled == expected, f"seed {seed}"


@pytest.mark.parametrize("goes", ["lost", "drained"])
async def test_a_partition_that_goes_before_its_tenure_begins(goes: str) -> None:
    """Its messages stay unacknowledged, and nothing waits for the overflow."""
    overflow = MemoryOverflow()
    overflow.open.clear()
    async with asyncio.TaskGroup() as tasks:
        worker = OverflowingWorker(tasks, overflow)
        worker.lanes.deliver(delivery := a_delivery("o_1"))
        await steps()
        if goes == "lost":
            worker.lanes.lost(0)
        else:
            await worker.lanes.drain(0)
    assert (delivery.acked, worker.work.started) == (False, [])
