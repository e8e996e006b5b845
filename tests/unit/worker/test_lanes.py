"""Order and concurrency of deliveries."""

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
    """Return a delivery of a user's message."""
    return MemoryDelivery(a_text_envelope(str(number), openid=openid), partition=partition)


class Work:
    """Work that waits until the test releases it, user by user."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []
        self.running = 0
        self.most_running = 0
        self.gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))
        self.uninterruptible = False
        self._changed = asyncio.Condition()

    async def __call__(self, job: Job) -> None:
        """Start, wait for the release, acknowledge."""
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

    def release(self, openid: str, count: int = 1) -> None:
        """Release the user's next messages."""
        for _ in range(count):
            self.gates[f"wx1:{openid}"].release()

    async def until(self, *, started: int = 0, ended: int = 0) -> None:
        """Return once this many have started and ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.started) >= started and len(self.ended) >= ended)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def test_messages_of_a_user_run_in_order_and_users_run_concurrently() -> None:
    """Messages of one lane never overlap and keep their order, while other lanes run at the same time."""
    history: defaultdict[str, list[int]] = defaultdict(list)
    busy: set[str] = set()
    all_users_run = asyncio.Barrier(5)
    done = asyncio.Semaphore(0)

    async def work(job: Job) -> None:
        envelope = job.delivery.envelope()
        assert envelope.lane not in busy
        busy.add(envelope.lane)
        number = int(job.delivery.content.received_at)  # type: ignore[attr-defined]
        if number % 10 == 0:  # all users must run at once to pass
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


async def test_concurrency_is_limited() -> None:
    """At most `concurrency` messages run, and each end lets the next one start."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=3, tasks=tasks)
        for user in range(10):
            lanes.deliver(a_delivery(f"o_{user}"))
        await work.until(started=3)
        assert (lanes.running, lanes.waiting) == (3, 7)
        for user in range(10):
            work.release(f"o_{user}")
        await work.until(ended=10)

    assert work.most_running == 3


async def test_a_busy_user_does_not_delay_the_others() -> None:
    """After each message the lane goes to the end of the queue."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=1, tasks=tasks)
        for _ in range(10):
            lanes.deliver(a_delivery("o_busy"))
        lanes.deliver(a_delivery("o_other"))
        work.release("o_busy", 10)
        work.release("o_other")
        await work.until(ended=11)

    assert work.ended.index("wx1:o_other") == 1


async def test_a_lost_partition_is_dropped_and_its_jobs_are_cancelled() -> None:
    """Its messages belong to another worker: none starts any more, none is acknowledged."""
    work = Work()
    lost = [a_delivery("o_1"), a_delivery("o_1"), a_delivery("o_2")]
    kept = a_delivery("o_3", partition=1)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=2, tasks=tasks)
        for delivery in (*lost, kept):
            lanes.deliver(delivery)
        await work.until(started=2)

        lanes.lost(0)
        work.release("o_1", 2)
        work.release("o_2")
        work.release("o_3")
        await work.until(ended=1)

    assert work.ended == ["wx1:o_3"]
    assert len(work.started) == 3
    assert [delivery.acked for delivery in (*lost, kept)] == [False, False, False, True]


async def test_a_partition_that_returns_starts_from_the_beginning() -> None:
    """After a loss the new channel delivers everything again."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=2, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        await work.until(started=1)
        lanes.lost(0)
        again = a_delivery("o_1")
        lanes.deliver(again)
        await work.until(started=2)
        work.release("o_1")
        await work.until(ended=1)

    assert again.acked


async def test_a_job_after_its_commit_is_not_cancelled() -> None:
    """It sends its replies although the partition is lost: the next owner could not know which were sent."""
    work = Work()
    work.uninterruptible = True
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=2, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        lanes.deliver(a_delivery("o_1"))
        await work.until(started=1)
        lanes.lost(0)
        work.release("o_1", 2)
        await work.until(ended=1)

    assert work.ended == ["wx1:o_1"]


async def test_a_job_cancelled_before_its_first_step_leaves_its_place() -> None:
    """A partition lost between start and first step must not occupy a place forever."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=1, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        lanes.lost(0)
        lanes.deliver(a_delivery("o_2", partition=1))
        work.release("o_2")
        await work.until(ended=1)

    assert work.started == ["wx1:o_2"]


async def test_draining_finishes_jobs_and_starts_none() -> None:
    """Prefetched messages stay unacknowledged, and RabbitMQ redelivers them in order."""
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
        work.release("o_1", 2)
        work.release("o_2")
        await draining

    assert (first.acked, second.acked, late.acked) == (True, False, False)


async def test_draining_an_idle_or_unknown_partition_returns_at_once() -> None:
    """A partition without deliveries can be given up, too."""
    async with asyncio.TaskGroup() as tasks:
        await Lanes(Work(), concurrency=1, tasks=tasks).drain(3)


async def test_closed_lanes_start_nothing_in_any_partition() -> None:
    """Waiting messages must not start while the partitions drain one after another."""
    work = Work()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=1, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        lanes.deliver(a_delivery("o_2", partition=1))
        await work.until(started=1)
        lanes.close()
        work.release("o_1")
        work.release("o_2")
        await lanes.drain(0)
        await lanes.drain(1)

    assert work.ended == ["wx1:o_1"]


async def test_an_unexpected_error_ends_the_worker() -> None:
    """A delivery that is neither settled nor running would block its partition silently."""
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


async def test_nothing_starts_while_the_worker_fails() -> None:
    """A message that ends while all tasks are cancelled is followed by no other."""
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
    """Return work that runs the lane `wx1:suspect` alone."""

    async def suspicious(job: Job) -> None:
        async with job.run_alone() if job.delivery.lane == "wx1:suspect" else nullcontext():
            await work(job)

    return suspicious


async def test_a_suspect_runs_alone_in_its_partition() -> None:
    """It waits for running jobs, none starts there meanwhile, and postponed messages continue in order afterwards."""
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
        work.release("before")
        await work.until(started=3)
        assert work.started[2:] == ["wx1:suspect"]
        work.release("suspect", 2)
        work.release("after", 2)
        work.release("elsewhere")
        await work.until(ended=6)
    assert lanes.running == lanes.waiting == 0
    assert [lane for lane in work.ended if lane == "wx1:after"] == ["wx1:after"] * 2


async def test_one_suspect_at_a_time() -> None:
    """Of two in different partitions the second waits; a cancelled one delays no other."""
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
        work.release("a")
        await work.until(ended=1, started=2)
        assert work.started == ["wx1:a", "wx1:c"]
        work.release("c")


async def test_a_waiting_suspect_still_runs_alone_while_the_worker_stops() -> None:
    """Draining waits for the other job, then for the suspect; postponed messages do not start."""
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
        work.release("other")
        await work.until(started=2)
        assert not draining.done()
        work.release("suspect")
    assert work.ended == ["wx1:other", "wx1:suspect"]


async def pausing(work: Work, job: Job) -> None:
    """Pause until released, then do the work."""
    lane = job.delivery.lane
    async with job.pause_lane():
        await work.gates[f"{lane}:rest"].acquire()
    await work(job)


def resume(work: Work, openid: str) -> None:
    """End the user's next pause."""
    work.gates[f"wx1:{openid}:rest"].release()


async def test_a_paused_job_leaves_its_place() -> None:
    """Users who wait for an attempt in the lane, or for a send lease, do not delay the others."""
    work = Work()

    async def some_pause(job: Job) -> None:
        await (pausing(work, job) if "rest" in job.delivery.lane else work(job))

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(some_pause, concurrency=2, tasks=tasks)
        for openid in ("rest1", "rest2", "rest3", "a", "b", "c"):
            lanes.deliver(a_delivery(openid))
        await work.until(started=2)
        assert (lanes.running, lanes.waiting) == (5, 1)
        for openid in ("rest1", "rest2", "rest3"):
            resume(work, openid)
        for openid in ("a", "b", "c", "rest1", "rest2", "rest3"):
            work.release(openid)
        await work.until(ended=6)

    assert work.most_running == 2, "a job that resumes waits for a place, too"
    assert work.ended[:2] == ["wx1:a", "wx1:b"]
    assert (lanes.running, lanes.waiting) == (0, 0)


@pytest.mark.parametrize("goes", ["lost", "drained", "closed"])
async def test_a_pause_ends_with_the_partition(goes: str) -> None:
    """Draining must not wait for an attempt minutes ahead; the next owner gets the message."""
    work = Work()
    before, late, kept = a_delivery("o_1"), a_delivery("o_1"), a_delivery("o_2", partition=1)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(partial(pausing, work), concurrency=1, tasks=tasks)
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
        resume(work, "o_2")
        work.release("o_2")

    assert (before.acked, late.acked, kept.acked) == (False, False, goes != "closed")
    assert (lanes.running, lanes.waiting) == (0, 0)


async def test_a_pause_while_the_partition_drains_is_cancelled() -> None:
    """A job may end while its partition drains, but not wait."""
    work = Work()

    async def run_then_pause(job: Job) -> None:
        await work(job)
        await pausing(work, job)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(run_then_pause, concurrency=1, tasks=tasks)
        lanes.deliver(a_delivery("o_1"))
        await work.until(started=1)
        draining = tasks.create_task(lanes.drain(0))
        work.release("o_1")
        await draining

    assert len(work.started) == 1


async def test_a_suspect_runs_beside_paused_jobs() -> None:
    """It does not wait for them, and they do not resume before its end; it may pause itself."""
    work = Work()

    async def mixed(job: Job) -> None:
        if job.delivery.lane == "wx1:suspect":
            async with job.run_alone():
                await pausing(work, job)
        else:
            await pausing(work, job)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(mixed, concurrency=10, tasks=tasks)
        for openid in ("other", "suspect"):
            lanes.deliver(a_delivery(openid))
        await asyncio.sleep(0)
        resume(work, "other")
        resume(work, "suspect")
        await work.until(started=1)
        await asyncio.sleep(0)
        assert work.started == ["wx1:suspect"]
        work.release("suspect")
        work.release("other")
        await work.until(ended=2)

    assert work.ended == ["wx1:suspect", "wx1:other"]


async def test_a_suspect_runs_after_earlier_messages() -> None:
    """Even if it has the only place; later messages start after it."""
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
            work.release(openid, 3)
        await work.until(ended=6)

    assert work.started[:3] == ["wx1:a", "wx1:b", "wx1:a"]
    assert work.started[3] == "wx1:suspect"
    assert sorted(work.started[4:]) == ["wx1:a", "wx1:late"]


async def test_the_job_that_blocks_the_loop_is_marked() -> None:
    """All running jobs are marked if the task belongs to none of them."""
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
            work.release(openid)
