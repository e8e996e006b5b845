"""Workers that join, leave, crash and freeze under overload: each has its share, and every history stays whole."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from tests.faults.conftest import Install
from tests.support.handovers import events, figures, share_time, taken_over
from tests.support.history import Load, differences, outcome, settled
from tests.support.installation import APPID, Installation
from tests.support.processes import Service
from wxbus.bus.topology import Topology
from wxbus_local.private import Server
from wxbus_local.rabbitmq import PrivateRabbitMQ, program
from wxbus_local.servers import Launcher

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(280)]

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
    """One who joins has its share within 10 s, what a crashed one had is consumed again within 1 s.

    One who leaves leaves it to the others. No history shows any of it.
    """
    topology = Topology(namespace, partitions=16)
    async with (
        install(amqp_url=own_rabbitmq.url, redis_url=own_redis.url, topology=topology) as installation,
        asyncio.timeout(250),
    ):
        await installation.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        await installation.token()
        workers = [await installation.worker(APP, "worker1", WXBUS_WORKER_REPLY_LEASE="3")]
        load = Load(own_rabbitmq.url, topology, users_of_all_partitions(topology, 4), random.Random())
        joins: list[float] = []
        crashes: list[float] = []
        async with load.writing():
            await load.backlogged()
            await shared(topology, *workers)
            for name in ("worker2", "worker3"):
                began = time.time()
                workers.append(await installation.worker(APP, name, WXBUS_WORKER_REPLY_LEASE="3"))
                await shared(topology, *workers)
                joins.append(share_time(workers[-1], began))
            for victim in workers:
                await load.backlogged()
                killed = time.time()
                await victim.kill()
                crashes += await taken_over(workers, victim, killed)
                began = time.time()
                await victim.start()
                await shared(topology, *workers)
                joins.append(share_time(victim, began))
            await load.backlogged()
            assert await workers[0].stop() == 0
            await shared(topology, *workers[1:])
            await load.backlogged()
        await whole_and_once(installation, own_redis.url, load, workers[1:])
    print(f"joined workers' shares: {figures(joins)}; crashed workers' partitions: {figures(crashes)}")
    assert max(joins) < 10
    assert max(crashes) < 1


async def test_a_frozen_worker_is_cut_off(
    managed_rabbitmq: PrivateRabbitMQ, own_redis: Server, namespace: str, install: Install
) -> None:
    """Its partitions are consumed by the others within 5 s, long before a heartbeat would tell; then it wakes.

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
        workers = [
            await installation.worker(APP, name, WXBUS_WORKER_REPLY_LEASE="3") for name in ("worker1", "worker2")
        ]
        load = Load(managed_rabbitmq.url, topology, users_of_all_partitions(topology, 6), random.Random())
        freezes: list[float] = []
        async with load.writing():
            for frozen, other in (workers, reversed(workers)):
                await load.backlogged()
                await shared(topology, *workers)
                began = time.time()
                frozen.freeze()
                freezes += await taken_over(workers, frozen, began)
                assert other.said().count("member.cut_off") == 1
                frozen.thaw()
        await whole_and_once(installation, own_redis.url, load, workers)
    print(f"frozen workers' partitions: {figures(freezes)}")
    assert max(freezes) < 5


def users_of_all_partitions(topology: Topology, each: int) -> list[str]:
    """Return so many users of each partition."""
    room = Counter(dict.fromkeys(range(topology.partitions), each))
    users = []
    for user in (f"o_user{number}" for number in count()):
        partition = topology.partition_of(f"{APPID}:{user}")
        if room[partition]:
            room[partition] -= 1
            users.append(user)
        if not room.total():
            break
    return users


async def whole_and_once(installation: Installation, redis_url: str, load: Load, workers: Sequence[Service]) -> None:
    """Wait for the end of the load, and see that nobody's history shows what happened."""
    await settled(load.url, load.topology, workers)
    result = await outcome(installation, redis_url, load.users, load.url)
    refused = sum(sum(1 for _ in events(worker, "delivery.duplicate")) for worker in installation.services.values())
    print(f"{load.published.total()} messages; replies that came twice: {len(result.repeats())}, duplicates: {refused}")
    assert differences(result.committed, load) == {}
    assert differences({user: result.first_replies(user) for user in load.users}, load) == {}
    assert (result.dead, result.outboxes) == (0, 0)


async def shared(topology: Topology, *workers: Service) -> None:
    """Return once each worker is delivered what it is the first of, and the rest waits in the right places."""
    standbys = topology.partitions if len(workers) > 1 else 0
    while True:
        shares = [await share(worker) for worker in workers]
        first, standby, none = (sum(one[place] for one in shares) for place in SHARE)
        if (first, standby, none) == (topology.partitions, standbys, 0) and all(
            one["delivering"] == one["first"] for one in shares
        ):
            return
        await asyncio.sleep(LOOK)


async def share(worker: Service) -> dict[str, int]:
    """Return how many partitions a worker has, by place, and how many are delivered to it."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.request("GET", f"http://127.0.0.1:{worker.port}/metrics", timeout=timeout) as answer:
        lines = (await answer.text()).splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    names = {"delivering": "wxbus_worker_partitions_delivering"}
    names |= {place: f'wxbus_worker_partitions{{place="{place}"}}' for place in SHARE}
    return {key: int(float(figures[name])) for key, name in names.items()}
