"""A worker that receives SIGTERM finishes running messages and returns the rest: nothing is lost or repeated."""

import asyncio
import random
import signal

import pytest

from tests.faults.conftest import Install
from tests.support.history import Load, differences, fetched, outcome, settled
from tests.support.sizes import soak
from wxbus.bus.topology import Topology

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(330), pytest.mark.usefixtures("redis")]

USERS = [f"o_user{index}" for index in range(soak(full=30, quick=16))]
STOPS = soak(full=12, quick=3)
STOPS_AT_ONCE = 2
"""Fewer than the starts after which a message counts as poison."""


async def test_sigterm_under_load(amqp_url: str, redis_url: str, topology: Topology, install: Install) -> None:
    """Workers stopped by SIGTERM under load exit with 0, and no reply repeats."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(300),
    ):
        await installation.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        await installation.token()
        app = "tests.support.recording:router"
        workers = [await installation.worker(app, name) for name in ("worker1", "worker2")]
        load = Load(amqp_url, redis_url, topology, USERS, random.Random())
        exits: list[int] = []
        stopped_with: list[int] = []
        async with load.writing():
            for _ in range(STOPS):
                await load.backlogged()
                busy = {worker: await fetched(worker) for worker in workers}
                busier = max(workers, key=busy.__getitem__)
                stopped_with.append(busy[busier])
                exits.append(await busier.stop())
                await busier.start()
            await load.backlogged()
            exits += await asyncio.gather(*(worker.stop() for worker in workers))
        await workers[0].start()
        await settled(amqp_url, topology, workers[:1])
        result = await outcome(installation, redis_url, USERS, amqp_url)
        print(f"{load.published.total()} messages of {len(USERS)} users; fetched when stopped: {stopped_with}")
        assert exits == [0] * (STOPS + len(workers))
        assert all(stopped_with), "an idle worker was stopped: the load is too low"
        assert differences(result.committed, load) == {}
        assert differences({user: result.first_replies(user) for user in USERS}, load) == {}
        assert result.repeats() == []
        assert (result.dead, result.outboxes) == (0, 0)


async def test_a_second_signal_under_load(amqp_url: str, redis_url: str, topology: Topology, install: Install) -> None:
    """A second SIGTERM ends both processes at once: their messages are handled again and committed once."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(300),
    ):
        await installation.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        await installation.token()
        app = "tests.support.recording:slow"
        short = {"WXBUS_WORKER_SEND_LEASE": "3"}  # replies of a killed process wait for this time
        workers = await installation.worker(app, processes=2, **short)
        load = Load(amqp_url, redis_url, topology, USERS, random.Random())
        exits: list[int] = []
        async with load.writing():
            for _ in range(STOPS_AT_ONCE):
                await load.backlogged()
                exits.append(await workers.stop_at_once("worker.stopping"))
                await workers.start()
            await load.backlogged()
            exits.append(await workers.stop())
        worker = await installation.worker(app, "last worker", **short)
        await settled(amqp_url, topology, [worker])
        result = await outcome(installation, redis_url, USERS, amqp_url)
        print(f"{load.published.total()} messages of {len(USERS)} users; {len(result.repeats())} replies repeated")
        assert exits == [-signal.SIGTERM] * STOPS_AT_ONCE + [0]
        assert differences(result.committed, load) == {}
        assert differences({user: result.first_replies(user) for user in USERS}, load) == {}
        assert (result.dead, result.outboxes) == (0, 0)
