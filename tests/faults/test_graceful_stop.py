"""A worker that receives SIGTERM finishes running messages and returns the rest: nothing is lost or repeated."""

import asyncio
import random
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from tests.faults.conftest import Install
from tests.support.history import Load, Outcome, differences, fetched, outcome, settled
from tests.support.installation import Installation
from tests.support.processes import Service
from tests.support.recording import SLOW_BEGINS
from tests.support.sizes import soak
from wxbus.bus.topology import Topology

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(330), pytest.mark.usefixtures("redis")]

STOPPED_USERS, KILLED_USERS = (
    [f"o_user_of_{when}{index}" for index in range(soak(full=30, quick=8))] for when in ("stops", "stops_at_once")
)
STOPS = soak(full=12, quick=2)
STOPS_AT_ONCE = soak(full=2, quick=1)
"""Fewer than the starts after which a message counts as poison."""


async def test_stops_under_load(amqp_url: str, redis_url: str, topology: Topology, install: Install) -> None:
    """Workers stopped by SIGTERM under load exit with 0, and no reply repeats.

    A second SIGTERM ends all processes of a worker at once: their messages are handled again and committed once.
    """
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(300),
    ):
        await stop_workers(installation, Load(amqp_url, redis_url, topology, STOPPED_USERS, random.Random()), redis_url)
        await stop_at_once(installation, Load(amqp_url, redis_url, topology, KILLED_USERS, random.Random()), redis_url)


async def stop_workers(installation: Installation, load: Load, redis_url: str) -> None:
    """Stop the busier of two workers again and again, then both."""
    workers = await installation.workers("tests.support.recording:router", "worker1", "worker2")
    exits: list[int] = []
    stopped_with: list[int] = []
    async with load.writing():
        for _ in range(STOPS):
            await load.backlogged()
            busier, count = await busiest(workers)
            stopped_with.append(count)
            exits.append(await busier.stop())
            await busier.start()
        await load.backlogged()
        exits += await asyncio.gather(*(worker.stop() for worker in workers))
    await workers[0].start()
    await settled(load.url, load.topology, workers[:1])
    exits.append(await workers[0].stop())
    print(f"{load.published.total()} messages of {len(load.users)} users; fetched when stopped: {stopped_with}")
    assert exits == [0] * (STOPS + len(workers) + 1)
    result = await whole(installation, load, redis_url)
    assert result.repeats() == []


async def stop_at_once(installation: Installation, load: Load, redis_url: str) -> None:
    """Stop a worker of two processes at once, again and again, then another one in good order."""
    app = "tests.support.recording:router"
    short: dict[str, Any] = {"WXBUS_WORKER_SEND_LEASE": "3"}  # replies of a killed process wait for this time
    slow = {"SLOW_USER": load.users[0], **short}
    workers = await installation.worker("tests.support.recording:slow", "slow worker", processes=2, **slow)
    exits: list[int] = []
    async with load.writing():
        for stop in range(1, STOPS_AT_ONCE + 1):
            if not workers.running:
                await workers.start()
            await load.backlogged()
            await workers.until_said(SLOW_BEGINS, times=stop)
            exits.append(await workers.stop_at_once("worker.stopping"))
        workers = await installation.worker(app, "worker of two processes", processes=2, **short)
        await load.backlogged()
        exits.append(await workers.stop())
    worker = await installation.worker(app, "last worker", **short)
    await settled(load.url, load.topology, [worker])
    assert exits == [-signal.SIGTERM] * STOPS_AT_ONCE + [0]
    result = await whole(installation, load, redis_url)
    print(f"{load.published.total()} messages of {len(load.users)} users; {len(result.repeats())} replies repeated")


async def busiest(workers: Sequence[Service]) -> tuple[Service, int]:
    """Return the worker that has fetched the most messages, and their number, once there are any."""
    while True:
        busy = {worker: await fetched(worker) for worker in workers}
        found = max(workers, key=busy.__getitem__)
        if busy[found]:
            return found, busy[found]


async def whole(installation: Installation, load: Load, redis_url: str) -> Outcome:
    """Check that every user's history is whole, once and in order; return the outcome."""
    result = await outcome(installation, redis_url, load.users, load.url)
    assert differences(result.committed, load) == {}
    assert differences({user: result.first_replies(user) for user in load.users}, load) == {}
    assert (result.dead, result.outboxes) == (0, 0)
    return result
