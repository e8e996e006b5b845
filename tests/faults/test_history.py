"""Promises 3 and 4: whatever happens to workers, Redis and RabbitMQ, each user's history is 1..n, once, in order."""

import asyncio
import os
import random
import secrets
import time
from collections import Counter

import pytest

from tests.faults.conftest import Install
from tests.support.history import Fault, Load, differences, in_hand, outcome, settled
from tests.support.processes import Service
from wxbus.bus.topology import Topology
from wxbus_local.private import Server

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(280)]

USERS = [f"o_user{index}" for index in range(40)]
FAULTS = ("kill",) * 6 + ("freeze",) * 4 + ("redis", "broker")
BUSIER = 0.8
"""Share of the faults that hit the worker that has more to do: the other may have no partition at all."""
FREEZE = (3.5, 6.0)
"""Seconds; with the heartbeat below the partitions of a frozen worker go to the other after about three."""
SLACK = 0.5
"""Seconds by which two processes may differ about when something happened."""


async def test_every_history_is_whole_once_and_in_order(
    own_rabbitmq: Server, own_redis: Server, namespace: str, install: Install
) -> None:
    """Workers killed and frozen, Redis and RabbitMQ killed, under overload and with WeChat's repeats mixed in.

    Each user's committed history is exactly what was written, and each message is answered, in that order. A reply
    may come twice, but only if a worker was killed or frozen between the two, which may have been between WeChat's
    answer and the note of it: the broker or Redis alone is no excuse.
    """
    seed = int(os.environ.get("WXBUS_TEST_SEED", secrets.randbelow(2**32)))
    print(f"seed {seed}: set WXBUS_TEST_SEED to it for the same faults")
    rng = random.Random(seed)
    topology = Topology(namespace, partitions=8)
    async with (
        install(
            amqp_url=f"{own_rabbitmq.url}?heartbeat=1",  # so that a short freeze moves partitions
            redis_url=own_redis.url,
            topology=topology,
        ) as installation,
        asyncio.timeout(240),
    ):
        await installation.sandbox(WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_LOG_LEVEL="warning")
        await installation.token()
        app = "tests.support.recording:router"
        workers = [
            await installation.worker(app, name, WXBUS_WORKER_REPLY_LEASE="3") for name in ("worker1", "worker2")
        ]
        load = Load(own_rabbitmq.url, topology, USERS, rng)
        faults: list[Fault] = []
        async with load.writing():
            for what in rng.sample(FAULTS, len(FAULTS)):
                await load.backlogged()
                await asyncio.sleep(rng.uniform(0, 1))  # at no moment in particular
                begun, behind = time.time(), load.backlog
                await strike(what, await victim(workers, rng), own_redis, own_rabbitmq, rng)
                faults.append(Fault(what, begun, time.time()))
                print(f"{what}: {faults[-1].ended - begun:.1f} s, {behind} behind")
        await settled(own_rabbitmq.url, topology, workers)
        result = await outcome(installation, own_redis.url, USERS, own_rabbitmq.url)
        repeats = result.repeats()
        print(f"{load.published.total()} messages of {len(USERS)} users; replies that came twice: {len(repeats)}")
        interruptions = [fault for fault in faults if fault.what in {"kill", "freeze"}]
        assert differences(result.committed, load) == {}
        assert differences({user: result.first_replies(user) for user in USERS}, load) == {}
        assert [repeat for repeat in repeats if not excused(repeat[2], repeat[3], interruptions)] == []
        # A user's replies go out one by one, so an interruption finds at most one of them in that window.
        assert max(Counter(user for user, *_ in repeats).values(), default=0) <= len(interruptions)
        assert (result.dead, result.outboxes) == (0, 0)


async def victim(workers: list[Service], rng: random.Random) -> Service:
    """Return the worker that has more to do, mostly."""
    busy = {worker.name: await in_hand(worker) for worker in workers}
    more, less = sorted(workers, key=lambda worker: -busy[worker.name])
    return more if rng.random() < BUSIER else less


async def strike(what: str, worker: Service, redis: Server, rabbitmq: Server, rng: random.Random) -> None:
    """Do it, and undo it."""
    match what:
        case "kill":
            await worker.kill()
            await worker.start()
        case "freeze":
            worker.freeze()
            await asyncio.sleep(rng.uniform(*FREEZE))
            worker.thaw()
        case _:
            server = redis if what == "redis" else rabbitmq
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)


def excused(before: float, again: float, interruptions: list[Fault]) -> bool:
    """Whether a worker was interrupted between two sendings of one reply."""
    return any(fault.begun - SLACK <= again and before <= fault.ended + SLACK for fault in interruptions)
