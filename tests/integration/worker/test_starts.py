"""Runs without an end, counted in a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.support.worker import REDIS_PATIENCE, Rig, a_text_envelope
from wxbus.store.store import Store
from wxbus.testing import MemoryDelivery
from wxbus_worker import Router, current_delivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.settlement import Done
from wxbus_worker.store.crash_counter import CrashCounter

pytestmark = pytest.mark.integration


@pytest.fixture
async def starts(redis_url: str, redis: Redis, namespace: str) -> AsyncIterator[CrashCounter]:
    """The counter."""
    assert redis is not None
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        yield CrashCounter(store, namespace=namespace)


async def test_runs_without_an_end_are_counted(starts: CrashCounter) -> None:
    """Each once, also when it is told twice; an end forgets them; another attempt is counted for itself."""
    envelope = a_text_envelope()
    assert await starts.before(envelope) == 1
    for run in ("a", "b", "b"):
        await starts.begin(envelope, run)
    assert await starts.before(envelope) == 3
    assert await starts.before(a_text_envelope()) == 1
    await starts.end(envelope)
    assert await starts.before(envelope) == 1


async def test_only_what_is_redelivered_is_counted(starts: CrashCounter, redis: Redis, namespace: str) -> None:
    """The normal way leaves nothing in Redis, and an error is an end like another."""
    seen: list[list[bytes]] = []
    router = Router()

    @router.text
    async def look() -> None:
        seen.append([key async for key in redis.scan_iter(match=f"{namespace}:*")])
        if current_delivery().redelivered:
            raise RuntimeError("on purpose")

    rig = Rig(router, starts=starts)
    assert isinstance(await rig.handle(MemoryDelivery(a_text_envelope())), Done)
    await rig.handle(MemoryDelivery(envelope := a_text_envelope(), redelivered=True))
    assert [len(keys) for keys in seen] == [0, 1]
    assert await starts.before(envelope) == 1


async def test_five_runs_without_an_end_are_enough(starts: CrashCounter) -> None:
    """It is buried without a run; a redelivered one with fewer is run."""
    runs = []
    router = Router()

    @router.text
    async def count() -> None:
        runs.append(1)

    rig = Rig(router, starts=starts)
    for before, settled in ((3, Done), (4, None)):
        delivery = MemoryDelivery(a_text_envelope(), redelivered=True)
        for run in range(before):
            await starts.begin(delivery.envelope(), str(run))
        assert isinstance(await rig.handle(delivery), settled or object)
    assert len(runs) == 1
    [(_, death)] = rig.memory_publisher.dead_letters
    assert death.reason == "poison"


async def test_a_run_that_blocked_the_loop_stays_counted(starts: CrashCounter) -> None:
    """Its worker was cut off or nearly so: the message becomes a suspect like one that ends its process."""
    router = Router()
    jobs: list[Job] = []

    @router.text
    async def block() -> None:
        jobs[0].blocked_loop = True

    rig = Rig(router, starts=starts)
    jobs.append(Job(MemoryDelivery(envelope := a_text_envelope(), redelivered=True)))
    assert isinstance(await rig.work(jobs[0]), Done)
    assert await starts.before(envelope) == 2
