"""Workers join, leave, crash and freeze under load: each has its share, and every user's history is complete."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from itertools import chain, count
from statistics import median_low
from typing import Any

import pytest

from tests.faults.conftest import Install
from tests.support.history import Load, differences, metrics, outcome, settled
from tests.support.installation import APPID, Installation
from tests.support.partition_takeovers import (
    events,
    figures,
    share_time,
    until_disconnected,
    until_listed,
    until_taken_over,
)
from tests.support.processes import Service
from tests.support.sizes import soak
from wxbus.bus.amqp.connection import HEARTBEAT
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Servers
from wxbus_worker.partitions.membership import LEASE

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(340)]

APP = "tests.support.recording:router"
LEASE_OF_REPLIES: dict[str, Any] = {"WXBUS_WORKER_SEND_LEASE": "3"}
LOOK = 0.2
SHARE = ("owner", "standby", "none")


@pytest.fixture
def partitions() -> int:
    """Return enough partitions for three workers."""
    return soak(full=16, quick=8)


@pytest.mark.usefixtures("redis")
async def test_workers_share_the_partitions(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """A worker that joins has its share within 10 s; the partitions of a crashed one are consumed within 1 s.

    Both hold for most joins and crashes, as the machine may stall in one; no partition of a crashed worker waits for
    a lease. No user's history shows any of it.
    """
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(320),
    ):
        workers = await installation.workers(APP, "worker1", **LEASE_OF_REPLIES)
        load = Load(
            amqp_url, redis_url, topology, users_of_all_partitions(topology, soak(full=4, quick=1)), random.Random()
        )
        joins: list[float] = []
        crashes: list[list[float]] = []
        async with load.writing():
            await load.backlogged()
            await shared(topology, *workers)
            began = time.time()
            joined = ("worker2", "worker3")
            workers += await asyncio.gather(*(installation.worker(APP, name, **LEASE_OF_REPLIES) for name in joined))
            await shared(topology, *workers)
            # Of the last worker: the other one shares with it, too.
            joins.append(min(share_time(worker, began) for worker in workers[1:]))
            for victim in soak(full=workers, quick=[workers[0], workers[-1]]):
                await load.backlogged()
                killed = time.time()
                await victim.kill()
                crashes.append(await until_taken_over(workers, victim, killed))
                if victim is workers[-1]:
                    break  # the next worker leaves before this is noticed
                began = time.time()
                await victim.start()
                await shared(topology, *workers)
                joins.append(share_time(victim, began))
            leaving, staying, _ = workers
            assert await leaving.stop() == 0
            await shared(topology, staying)
            await load.backlogged()
        await whole_and_once(installation, redis_url, load, [staying])
    print(f"joined workers' shares: {figures(joins)}; crashed workers' partitions: {figures([*chain(*crashes)])}")
    assert median_low(joins) < 10
    assert median_low(map(max, crashes)) < 1
    assert max(map(max, crashes)) < LEASE


@pytest.mark.usefixtures("redis")
async def test_a_frozen_worker_is_cut_off(managed: Servers, topology: Topology, install: Install) -> None:
    """Other workers consume its partitions within 5 s, long before a missed heartbeat; then it wakes.

    The 5 s hold for most freezes, as the machine may stall in one; no partition waits for the heartbeat. The messages
    that it had fetched run then, and must change nothing.
    """
    amqp_url, redis_url, management_url = managed.amqp_url, managed.redis_url, managed.management_url
    assert management_url
    async with (
        install(
            amqp_url=amqp_url,
            redis_url=redis_url,
            topology=topology,
            WXBUS_AMQP_MANAGEMENT_URL=management_url,
        ) as installation,
        asyncio.timeout(320),
    ):
        workers = await installation.workers(APP, "worker1", "worker2", **LEASE_OF_REPLIES)
        users = users_of_all_partitions(topology, soak(full=4, quick=1))
        load = Load(amqp_url, redis_url, topology, users, random.Random())
        freezes: list[list[float]] = []
        async with load.writing():
            for frozen, other in (workers, reversed(workers)):
                await load.backlogged()
                await shared(topology, *workers)
                await until_listed(management_url, *workers)
                began = time.time()
                frozen.freeze()
                freezes.append(await until_taken_over(workers, frozen, began))
                await until_disconnected(frozen, by=other)
                frozen.thaw()
        await whole_and_once(installation, redis_url, load, workers)
    print(f"frozen workers' partitions: {figures([*chain(*freezes)])}")
    assert median_low(map(max, freezes)) < 5
    assert max(map(max, freezes)) < 2 * HEARTBEAT, "RabbitMQ has closed the connection"


def users_of_all_partitions(topology: Topology, each: int) -> list[str]:
    """Return this many users of each partition."""
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
    """Wait for the end of the load, and check every user's history."""
    await settled(load.url, load.topology, workers)
    result = await outcome(installation, redis_url, load.users, load.url)
    refused = sum(sum(1 for _ in events(worker, "delivery.duplicate")) for worker in installation.services.values())
    print(f"{load.published.total()} messages; replies that came twice: {len(result.repeats())}, duplicates: {refused}")
    assert differences(result.committed, load) == {}
    assert differences({user: result.first_replies(user) for user in load.users}, load) == {}
    assert (result.dead, result.outboxes) == (0, 0)


async def shared(topology: Topology, *workers: Service) -> None:
    """Return once each worker is delivered its partitions, and has its standby subscriptions."""
    standbys = topology.partitions if len(workers) > 1 else 0
    while True:
        shares = [await share(worker) for worker in workers]
        first, standby, none = (sum(one[place] for one in shares) for place in SHARE)
        if (first, standby, none) == (topology.partitions, standbys, 0) and all(
            one["delivering"] == one["owner"] for one in shares
        ):
            return
        await asyncio.sleep(LOOK)


async def share(worker: Service) -> dict[str, int]:
    """Return the number of a worker's partitions by role, and of those delivered to it."""
    values = await metrics(worker)
    names = {"delivering": "wxbus_worker_partitions_delivering"}
    names |= {place: f'wxbus_worker_partitions{{role="{place}"}}' for place in SHARE}
    return {key: int(values[name]) for key, name in names.items()}
