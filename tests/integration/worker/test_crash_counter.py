"""Unfinished attempts, counted in a real Redis."""

import pytest
from redis.asyncio import Redis

from tests.support.worker import Rig, a_text_envelope
from wxbus.store.store import Store
from wxbus.testing import MemoryDelivery
from wxbus_worker import Router, current_delivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.settlement import Done, ToDeadLetters
from wxbus_worker.store.crash_counter import CrashCounter

pytestmark = pytest.mark.integration


@pytest.fixture
def crashes(store: Store, namespace: str) -> CrashCounter:
    """Return the counter."""
    return CrashCounter(store, namespace=namespace)


async def test_an_unfinished_attempt_is_counted_once(crashes: CrashCounter) -> None:
    """A repeated call counts once, the end of an attempt clears the count, and each message has its own count."""
    envelope = a_text_envelope()
    assert await crashes.unfinished(envelope) == 1
    for attempt_id in ("a", "b", "b"):
        await crashes.begin(envelope, attempt_id)
    assert await crashes.unfinished(envelope) == 3
    assert await crashes.unfinished(a_text_envelope()) == 1
    await crashes.clear(envelope)
    assert await crashes.unfinished(envelope) == 1


async def test_only_redelivered_messages_are_counted(crashes: CrashCounter, redis: Redis, namespace: str) -> None:
    """A first delivery writes nothing to Redis, and an error ends an attempt like a success."""
    seen: list[list[bytes]] = []
    router = Router()

    @router.text
    async def look() -> None:
        seen.append([key async for key in redis.scan_iter(match=f"{namespace}:*")])
        if current_delivery().redelivered:
            raise RuntimeError("on purpose")

    rig = Rig(router, crashes=crashes)
    assert isinstance(await rig.handle(MemoryDelivery(a_text_envelope())), Done)
    await rig.handle(MemoryDelivery(envelope := a_text_envelope(), redelivered=True))
    assert [len(keys) for keys in seen] == [0, 1]
    assert await crashes.unfinished(envelope) == 1


@pytest.mark.parametrize(("unfinished", "outcome"), [(4, Done), (5, ToDeadLetters)])
async def test_a_message_with_five_unfinished_attempts_is_dead_lettered(
    crashes: CrashCounter, unfinished: int, outcome: type
) -> None:
    """It does not run again; a message with fewer runs."""
    runs = []
    router = Router()

    @router.text
    async def count() -> None:
        runs.append(1)

    rig = Rig(router, crashes=crashes)
    delivery = MemoryDelivery(a_text_envelope(), redelivered=True)
    for attempt_id in range(unfinished - 1):
        await crashes.begin(delivery.envelope(), str(attempt_id))
    assert isinstance(await rig.handle(delivery), outcome)
    assert len(runs) == (outcome is Done)
    assert [death.reason for _, death in rig.memory_publisher.dead_letters] == ["poison"] * (outcome is ToDeadLetters)


async def test_an_attempt_that_blocked_the_loop_stays_counted(crashes: CrashCounter) -> None:
    """The message becomes a suspect like one that crashes the process: its worker was or would have been cut off."""
    router = Router()
    jobs: list[Job] = []

    @router.text
    async def block() -> None:
        jobs[0].blocked_loop = True

    rig = Rig(router, crashes=crashes)
    jobs.append(Job(MemoryDelivery(envelope := a_text_envelope(), redelivered=True)))
    assert isinstance(await rig.work(jobs[0]), Done)
    assert await crashes.unfinished(envelope) == 2
