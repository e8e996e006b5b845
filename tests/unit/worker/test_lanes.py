"""Order and concurrency of deliveries."""

import asyncio
import gc
from collections import defaultdict

import pytest

from tests.support.lanes import Work, a_delivery
from tests.support.worker import a_text_envelope
from wxbus.testing import MemoryDelivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes


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


async def test_each_end_of_a_partition_is_told() -> None:
    """When it is lost or drained, before another delivery of it starts: what is known may be wrong (decision 0020)."""
    work, told = Work(), list[None]()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=3, tasks=tasks, owner_changed=lambda: told.append(None))
        for number in range(2):
            lanes.deliver(a_delivery("o_1", number))
        lanes.deliver(a_delivery("o_2", partition=1))
        assert len(told) == 0
        lanes.lost(1)
        lanes.lost(1)
        assert len(told) == 1
        work.release("o_1", 2)
        await work.until(ended=1)
        await lanes.drain(0)
        lanes.deliver(a_delivery("o_1"))
        work.release("o_1")
        assert len(told) == 2
    assert len(work.ended) == 2
