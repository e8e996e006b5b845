"""Workers that join, leave, crash and freeze under overload: each has its share, and every history stays whole."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.faults.conftest import Install
from tests.support.history import Load, differences, outcome, settled
from tests.support.processes import Service
from wxbus.bus.topology import Topology
from wxbus_local.private import Server
from wxbus_local.rabbitmq import PrivateRabbitMQ, program
from wxbus_local.servers import Launcher

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(280)]

USERS = [f"o_user{index}" for index in range(60)]
APP = "tests.support.recording:router"
LOOK = 0.2
SHARE = ("first", "standby", "none")


@pytest.fixture
def managed_rabbitmq(launcher: Launcher, tmp_path: Path) -> Iterator[PrivateRabbitMQ]:
    """A RabbitMQ of this test's own whose management API can be reached: in a container it is not published."""
    executable = program()
    if executable is None:
        pytest.skip("no RabbitMQ is installed on this machine")
    server = PrivateRabbitMQ(launcher.run, tmp_path / "rabbitmq", executable)
    server.start()
    yield server
    server.discard()


async def test_workers_share_the_partitions(
    own_rabbitmq: Server, own_redis: Server, namespace: str, install: Install
) -> None:
    """One who joins has its share, one who leaves, crashes or freezes leaves it to the others; no history shows it."""
    topology = Topology(namespace, partitions=16)
    async with (
        install(amqp_url=f"{own_rabbitmq.url}?heartbeat=1", redis_url=own_redis.url, topology=topology) as installation,
        asyncio.timeout(250),
    ):
        await installation.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        await installation.token()
        one = await installation.worker(APP, "worker1", WXBUS_WORKER_REPLY_LEASE="3")
        load = Load(own_rabbitmq.url, topology, USERS, random.Random())
        async with load.writing():
            await load.backlogged()
            await shared(topology, "one alone", one)
            two = await installation.worker(APP, "worker2", WXBUS_WORKER_REPLY_LEASE="3")
            await shared(topology, "two joined", one, two)
            three = await installation.worker(APP, "worker3", WXBUS_WORKER_REPLY_LEASE="3")
            await shared(topology, "three joined", one, two, three)
            await load.backlogged()
            await two.kill()
            await shared(topology, "two was killed", one, three)
            await two.start()
            await shared(topology, "two is back", one, two, three)
            await load.backlogged()
            assert await one.stop() == 0
            await shared(topology, "one has left", two, three)
            await load.backlogged()
            three.freeze()
            await shared(topology, "three is frozen", two)
            three.thaw()
            await shared(topology, "three is awake", two, three)
            await load.backlogged()
        await settled(own_rabbitmq.url, topology, [two, three])
        result = await outcome(installation, own_redis.url, USERS, own_rabbitmq.url)
        print(f"{load.published.total()} messages; replies that came twice: {len(result.repeats())}")
        assert differences(result.committed, load) == {}
        assert differences({user: result.first_replies(user) for user in USERS}, load) == {}
        assert (result.dead, result.outboxes) == (0, 0)


async def test_a_frozen_worker_is_cut_off(
    managed_rabbitmq: PrivateRabbitMQ, own_redis: Server, namespace: str, install: Install
) -> None:
    """Its partitions go to the others by the management API, long before a heartbeat would tell; then it wakes.

    What it had in hand runs on then, and must change nothing.
    """
    topology = Topology(namespace, partitions=8)
    async with (
        install(
            amqp_url=managed_rabbitmq.url,
            redis_url=own_redis.url,
            topology=topology,
            WXBUS_AMQP_MANAGEMENT_URL=managed_rabbitmq.management_url,
        ) as installation,
        asyncio.timeout(200),
    ):
        await installation.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        await installation.token()
        one, two = [
            await installation.worker(APP, name, WXBUS_WORKER_REPLY_LEASE="3") for name in ("worker1", "worker2")
        ]
        load = Load(managed_rabbitmq.url, topology, USERS, random.Random())
        async with load.writing():
            for frozen, other in ((one, two), (two, one)):
                await load.backlogged()
                await shared(topology, "both", one, two)
                frozen.freeze()
                await shared(topology, f"{frozen.name} is frozen", other)
                assert other.said().count("member.cut_off") == 1
                frozen.thaw()
        await settled(managed_rabbitmq.url, topology, [one, two])
        result = await outcome(installation, own_redis.url, USERS, managed_rabbitmq.url)
        print(f"{load.published.total()} messages; replies that came twice: {len(result.repeats())}")
        assert differences(result.committed, load) == {}
        assert differences({user: result.first_replies(user) for user in USERS}, load) == {}
        assert (result.dead, result.outboxes) == (0, 0)


async def shared(topology: Topology, after: str, *workers: Service) -> None:
    """Return once each worker is delivered what it is the first of, and the rest waits in the right places."""
    began = time.monotonic()
    standbys = topology.partitions if len(workers) > 1 else 0
    while True:
        shares = [await share(worker) for worker in workers]
        first, standby, none = (sum(one[place] for one in shares) for place in SHARE)
        if (first, standby, none) == (topology.partitions, standbys, 0) and all(
            one["delivering"] == one["first"] for one in shares
        ):
            break
        await asyncio.sleep(LOOK)
    print(f"{after}: {' '.join(str(one['first']) for one in shares)} after {time.monotonic() - began:.1f} s")


async def share(worker: Service) -> dict[str, int]:
    """Return how many partitions a worker has, by place, and how many are delivered to it."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.request("GET", f"http://127.0.0.1:{worker.port}/metrics", timeout=timeout) as answer:
        lines = (await answer.text()).splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    names = {"delivering": "wxbus_worker_partitions_delivering"}
    names |= {place: f'wxbus_worker_partitions{{place="{place}"}}' for place in SHARE}
    return {key: int(float(figures[name])) for key, name in names.items()}
