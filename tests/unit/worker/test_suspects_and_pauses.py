"""Lanes whose job runs alone, or pauses and leaves its place to others."""

import asyncio
from functools import partial

import pytest

from tests.support.lanes import Work, a_delivery, alone_if_suspect, pausing, resume
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes


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
