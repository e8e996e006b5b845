"""Order and concurrency."""

import asyncio
import gc
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial

import pytest

from tests.support.worker import a_text_envelope
from wxbus.testing import MemoryDelivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes


def a_delivery(openid: str, number: int = 0, *, partition: int = 0) -> MemoryDelivery:
    """A delivery of a user's message."""
    return MemoryDelivery(a_text_envelope(str(number), openid=openid), partition=partition)


class Work:
    """Work that a test holds up and lets go on, user by user."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []
        self.running = 0
        self.most_running = 0
        self.gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))
        self.uninterruptible = False
        self._changed = asyncio.Condition()

    async def __call__(self, job: Job) -> None:
        """Start, wait to be let, acknowledge."""
        lane = job.delivery.lane
        self.started.append(lane)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        job.interruptible = not self.uninterruptible
        await self._note()
        try:
            await self.gates[lane].acquire()
            await job.delivery.ack()
            self.ended.append(lane)
        finally:
            self.running -= 1
            await self._note()

    def let(self, openid: str, count: int = 1) -> None:
        """Let the user's next messages go on."""
        for _ in range(count):
            self.gates[f"wx1:{openid}"].release()

    async def until(self, *, started: int = 0, ended: int = 0) -> None:
        """Return once so many started and ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.started) >= started and len(self.ended) >= ended)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def test_one_user_is_served_one_at_a_time_in_order_and_users_at_once() -> None:
    """Messages of one lane never overlap and keep their order, while other lanes run beside it."""
    history: defaultdict[str, list[int]] = defaultdict(list)
    busy: set[str] = set()
    all_users_run = asyncio.Barrier(5)
    done = asyncio.Semaphore(0)

    async def work(job: Job) -> None:
        envelope = job.delivery.envelope()
        assert envelope.lane not in busy
        busy.add(envelope.lane)
        number = int(job.delivery.content.received_at)  # type: ignore[attr-defined]
        if number % 10 == 0:  # every user must be here at once, or nobody gets on
            await all_users_run.wait()
        else:
            await asyncio.sleep(0)
        busy.remove(envelope.lane)
        history[envelope.lane].append(number)
        done.release()

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=5, tasks=tasks)
        for number in range(30):
            for user in range(5):
                lanes.deliver(MemoryDelivery(a_text_envelope(openid=f"o_{user}", received_at=float(number))))
        for _ in range(150):
            await done.acquire()

    assert history == {f"wx1:o_{user}": list(range(30)) for user in range(5)}


async def test_no_more_run_at_once_than_allowed() -> None:
    """However many users write, `concurrency` messages run, and each end lets the next one start."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=3, tasks=tasks)
        for user in range(10):
            lanes.deliver(a_delivery(f"o_{user}"))
        await work.until(started=3)
        assert (lanes.running, lanes.waiting) == (3, 7)
        for user in range(10):
            work.let(f"o_{user}")
        await work.until(ended=10)

    assert work.most_running == 3


async def test_a_busy_user_does_not_hold_the_others_up() -> None:
    """After each message the lane goes to the end of the queue: ten of one user do not pass another's first."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=1, tasks=tasks)
        for _ in range(10):
            lanes.deliver(a_delivery("o_busy"))
        lanes.deliver(a_delivery("o_other"))
        work.let("o_busy", 10)
        work.let("o_other")
        await work.until(ended=11)

    assert work.ended.index("wx1:o_other") == 1


async def test_a_lost_partition_is_dropped_and_what_runs_is_cancelled() -> None:
    """Its messages belong to another worker: nothing of it starts any more, nothing of it is acknowledged."""
    work = Work()
    lost = [a_delivery("o_1"), a_delivery("o_1"), a_delivery("o_2")]
    kept = a_delivery("o_3", partition=1)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=2, tasks=tasks)
        for delivery in (*lost, kept):
            lanes.deliver(delivery)
        await work.until(started=2)

        lanes.lost(0)
        work.let("o_1", 2)
        work.let("o_2")
        work.let("o_3")
        await work.until(ended=1)

    assert work.ended == ["wx1:o_3"]
    assert len(work.started) == 3
    assert [delivery.acked for delivery in (*lost, kept)] == [False, False, False, True]


async def test_a_partition_that_comes_back_starts_anew() -> None:
    """After a loss the new channel delivers everything again; that is taken as if nothing had been before."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=2, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        await work.until(started=1)
        lanes.lost(0)
        again = a_delivery("o_1")
        lanes.deliver(again)
        await work.until(started=2)
        work.let("o_1")
        await work.until(ended=1)

    assert again.acked


async def test_what_is_past_its_commit_is_not_cancelled() -> None:
    """A lost partition lets replies go out: cut off in the middle, the next owner could only guess what was sent."""
    work = Work()
    work.uninterruptible = True
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=2, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        lanes.deliver(a_delivery("o_1"))
        await work.until(started=1)
        lanes.lost(0)
        work.let("o_1", 2)
        await work.until(ended=1)

    assert work.ended == ["wx1:o_1"]


async def test_a_message_cancelled_before_its_first_step_leaves_its_place() -> None:
    """Lost in the moment between start and first step, a message must not occupy a place for ever."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=1, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        lanes.lost(0)
        lanes.deliver(a_delivery("o_2", partition=1))
        work.let("o_2")
        await work.until(ended=1)

    assert work.started == ["wx1:o_2"]


async def test_draining_lets_what_runs_end_and_starts_nothing() -> None:
    """A partition is given up with nothing half done: prefetched messages stay unacknowledged and go back in order."""
    work = Work()
    first, second, late = a_delivery("o_1"), a_delivery("o_1"), a_delivery("o_2")
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=4, tasks=tasks)
        lanes.deliver(first)
        lanes.deliver(second)
        await work.until(started=1)
        draining = tasks.create_task(lanes.drain(0))
        await asyncio.sleep(0)
        lanes.deliver(late)
        assert not draining.done()
        work.let("o_1", 2)
        work.let("o_2")
        await draining

    assert (first.acked, second.acked, late.acked) == (True, False, False)


async def test_draining_what_is_idle_or_unknown_returns_at_once() -> None:
    """A partition nothing came out of can be given up, too."""
    async with asyncio.TaskGroup() as tasks:
        await Lanes(Work(), concurrency=1, tasks=tasks).drain(3)


async def test_closed_lanes_start_nothing_in_any_partition() -> None:
    """When we stop, waiting messages are not started one after another until each partition's turn to drain comes."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=1, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        lanes.deliver(a_delivery("o_2", partition=1))
        await work.until(started=1)
        lanes.close()
        work.let("o_1")
        work.let("o_2")
        await lanes.drain(0)
        await lanes.drain(1)

    assert work.ended == ["wx1:o_1"]


async def test_an_error_that_escapes_ends_the_worker() -> None:
    """A delivery that is neither settled nor running would block its partition in silence; better to fall over."""
    started = 0

    async def work(_: Job) -> None:
        nonlocal started
        started += 1
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        async with asyncio.TaskGroup() as tasks:
            lanes = Lanes(work, concurrency=1, tasks=tasks)
            for _ in range(3):
                lanes.deliver(a_delivery("o_1"))
            await asyncio.Event().wait()

    assert started == 1


async def test_nothing_starts_while_the_worker_falls() -> None:
    """A message that ends while everything is being cancelled is followed by no other, and leaves nothing behind."""
    work = Work()
    with pytest.RaisesGroup(ZeroDivisionError):
        async with asyncio.TaskGroup() as tasks:
            lanes = Lanes(work, concurrency=1, tasks=tasks)
            lanes.deliver(a_delivery("o_1"))
            lanes.deliver(a_delivery("o_2"))
            await work.until(started=1)
            raise ZeroDivisionError

    lanes.deliver(a_delivery("o_3"))
    gc.collect()
    assert work.started == ["wx1:o_1"]
    assert (lanes.running, lanes.waiting) == (0, 0)


def alone_if_suspect(work: Work) -> Callable[[Job], Awaitable[None]]:
    """Do the work of the lane `wx1:suspect` alone."""

    async def suspicious(job: Job) -> None:
        async with job.run_alone() if job.delivery.lane == "wx1:suspect" else nullcontext():
            await work(job)

    return suspicious


async def test_a_suspect_runs_alone_in_its_partition() -> None:
    """It waits for what runs there, nothing starts there meanwhile, and what waited goes on in order afterwards."""
    work = Work()
    suspicious = alone_if_suspect(work)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(suspicious, concurrency=10, tasks=tasks)
        for delivery in (a_delivery("before"), a_delivery("suspect"), a_delivery("suspect", 1)):
            lanes.deliver(delivery)
        await work.until(started=1)
        await asyncio.sleep(0)  # the suspect waits now
        for delivery in (a_delivery("after"), a_delivery("after", 1), a_delivery("elsewhere", partition=1)):
            lanes.deliver(delivery)
        await work.until(started=2)
        assert work.started == ["wx1:before", "wx1:elsewhere"]
        work.let("before")
        await work.until(started=3)
        assert work.started[2:] == ["wx1:suspect"]
        work.let("suspect", 2)
        work.let("after", 2)
        work.let("elsewhere")
        await work.until(ended=6)
    assert lanes.running == lanes.waiting == 0
    assert [lane for lane in work.ended if lane == "wx1:after"] == ["wx1:after"] * 2


async def test_one_suspect_at_a_time() -> None:
    """Of two in different partitions the second waits; one that is cancelled meanwhile holds nothing up."""
    work = Work()

    async def suspicious(job: Job) -> None:
        async with job.run_alone():
            await work(job)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(suspicious, concurrency=10, tasks=tasks)
        for partition, openid in enumerate("abc"):
            lanes.deliver(a_delivery(openid, partition=partition))
        await work.until(started=1)
        lanes.lost(1)
        work.let("a")
        await work.until(ended=1, started=2)
        assert work.started == ["wx1:a", "wx1:c"]
        work.let("c")


async def test_a_suspect_that_waits_while_all_stop_still_runs_alone() -> None:
    """Stopping waits for both, one after the other; nothing that waited behind them begins."""
    work = Work()
    suspicious = alone_if_suspect(work)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(suspicious, concurrency=10, tasks=tasks)
        for delivery in (a_delivery("other"), a_delivery("suspect"), a_delivery("suspect", 1), a_delivery("other", 1)):
            lanes.deliver(delivery)
        await work.until(started=1)
        lanes.close()
        draining = tasks.create_task(lanes.drain(0))
        await asyncio.sleep(0)
        assert work.started == ["wx1:other"]
        work.let("other")
        await work.until(started=2)
        assert not draining.done()
        work.let("suspect")
    assert work.ended == ["wx1:other", "wx1:suspect"]


async def resting(work: Work, job: Job) -> None:
    """Work of which every message rests first, until it is let, and then does the rest of it."""
    lane = job.delivery.lane
    async with job.pause_lane():
        await work.gates[f"{lane}:rest"].acquire()
    await work(job)


def let_rest_end(work: Work, openid: str) -> None:
    """End the user's next rest."""
    work.gates[f"wx1:{openid}:rest"].release()


async def test_one_that_rests_takes_nobodys_place() -> None:
    """Users who wait for their next attempt, or for a dead worker's turn to end, do not hold up the others."""
    work = Work()

    async def some_rest(job: Job) -> None:
        await (resting(work, job) if "rest" in job.delivery.lane else work(job))

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(some_rest, concurrency=2, tasks=tasks)
        for openid in ("rest1", "rest2", "rest3", "a", "b", "c"):
            lanes.deliver(a_delivery(openid))
        await work.until(started=2)
        assert (lanes.running, lanes.waiting) == (5, 1)
        for openid in ("rest1", "rest2", "rest3"):
            let_rest_end(work, openid)
        for openid in ("a", "b", "c", "rest1", "rest2", "rest3"):
            work.let(openid)
        await work.until(ended=6)

    assert work.most_running == 2, "whoever has rested waits for a place, too"
    assert work.ended[:2] == ["wx1:a", "wx1:b"]
    assert (lanes.running, lanes.waiting) == (0, 0)


@pytest.mark.parametrize("goes", ["lost", "drained", "closed"])
async def test_a_rest_ends_with_the_partition(goes: str) -> None:
    """Giving a partition up must not wait for the attempt of a blocked lane minutes ahead; the next owner gets it."""
    work = Work()
    before, late, kept = a_delivery("o_1"), a_delivery("o_1"), a_delivery("o_2", partition=1)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(partial(resting, work), concurrency=1, tasks=tasks)
        for delivery in (before, late, kept):
            lanes.deliver(delivery)
        await asyncio.sleep(0)
        match goes:
            case "lost":
                lanes.lost(0)
            case "drained":
                await lanes.drain(0)
            case _:
                lanes.close()
                await lanes.drain(1)
        let_rest_end(work, "o_2")
        work.let("o_2")

    assert (before.acked, late.acked, kept.acked) == (False, False, goes != "closed")
    assert (lanes.running, lanes.waiting) == (0, 0)


async def test_a_rest_that_begins_too_late_does_not_begin() -> None:
    """What runs while its partition is given up may end, but not wait."""
    work = Work()

    async def run_then_rest(job: Job) -> None:
        await work(job)
        await resting(work, job)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(run_then_rest, concurrency=1, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        await work.until(started=1)
        draining = tasks.create_task(lanes.drain(0))
        work.let("o_1")
        await draining

    assert len(work.started) == 1


async def test_a_suspect_is_alone_with_those_that_rest() -> None:
    """It does not wait for their waiting, and they do not go on beside it; it may rest itself."""
    work = Work()

    async def mixed(job: Job) -> None:
        if job.delivery.lane == "wx1:suspect":
            async with job.run_alone():
                await resting(work, job)
        else:
            await resting(work, job)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(mixed, concurrency=10, tasks=tasks)
        for openid in ("other", "suspect"):
            lanes.deliver(a_delivery(openid))
        await asyncio.sleep(0)
        let_rest_end(work, "other")
        let_rest_end(work, "suspect")
        await work.until(started=1)
        await asyncio.sleep(0)
        assert work.started == ["wx1:suspect"]
        work.let("suspect")
        work.let("other")
        await work.until(ended=2)

    assert work.ended == ["wx1:suspect", "wx1:other"]


async def test_a_suspect_runs_after_what_waited_before_it() -> None:
    """Also where it has the only place; what comes later than it does not start before it."""
    work = Work()
    suspicious = alone_if_suspect(work)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(suspicious, concurrency=1, tasks=tasks)
        for openid, number in (("suspect", 0), ("a", 0), ("a", 1), ("b", 0)):
            lanes.deliver(a_delivery(openid, number))
        await work.until(started=1)
        for openid in ("a", "late"):
            lanes.deliver(a_delivery(openid, 2))
        for openid in ("a", "b", "late", "suspect"):
            work.let(openid, 3)
        await work.until(ended=6)

    assert work.started[:3] == ["wx1:a", "wx1:b", "wx1:a"]
    assert work.started[3] == "wx1:suspect"
    assert sorted(work.started[4:]) == ["wx1:a", "wx1:late"]


async def test_the_message_that_blocks_the_loop_is_blamed() -> None:
    """The one whose task it is; if no message's task is known, all that run."""
    work = Work()
    jobs: list[Job] = []

    async def noted(job: Job) -> None:
        jobs.append(job)
        await work(job)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(noted, concurrency=2, tasks=tasks)
        for openid in "ab":
            lanes.deliver(a_delivery(openid))
        await work.until(started=2)
        assert lanes.mark_blocking(jobs[0].task) == {"message_id": jobs[0].delivery.envelope().id}
        assert [job.blocked_loop for job in jobs] == [True, False]
        assert lanes.mark_blocking(None) == {}
        assert [job.blocked_loop for job in jobs] == [True, True]
        for openid in "ab":
            work.let(openid)
