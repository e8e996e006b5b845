"""A power cut with Redis's `appendfsync everysec` loses at most the last second of contexts."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.conftest import Install
from tests.support.history import Load, differences, metrics, outcome, settled
from tests.support.processes import Service
from wxbus.bus.topology import Topology
from wxbus_local.install.server_programs import REDIS
from wxbus_local.servers.launcher import Launcher
from wxbus_local.servers.redis import PrivateRedis

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

USERS = [f"o_user{index}" for index in range(30)]
APP = "tests.support.recording:router"
FORGOTTEN = 150
"""Messages that are handled before the power is cut and after what Redis keeps: several of each user."""
LOOK = 0.1


@pytest.fixture
def forgetful_redis(launcher: Launcher, tmp_path: Path) -> Iterator[PrivateRedis]:
    """Yield a private Redis whose file the test can truncate."""
    executable = REDIS.find()
    if executable is None:
        pytest.skip("no Redis is installed on this machine")
    server = PrivateRedis(launcher.run, tmp_path / "redis", executable)
    server.start()
    yield server
    server.discard()


async def test_redis_loses_its_last_second(
    amqp_url: str, forgetful_redis: PrivateRedis, topology: Topology, install: Install
) -> None:
    """Each user's context is that of a moment before, and continues from there: in order, without repetition.

    Every reply is sent, as a message is acknowledged after its replies; some are sent again.
    """
    async with (
        install(amqp_url=amqp_url, redis_url=forgetful_redis.url, topology=topology) as installation,
        asyncio.timeout(230),
    ):
        workers = await installation.workers(APP, "worker1", "worker2", WXBUS_WORKER_SEND_LEASE="3")
        load = Load(
            amqp_url, forgetful_redis.url, topology, USERS, random.Random(), twice=0
        )  # a duplicate of a forgotten message would run again
        async with load.writing():
            await load.backlogged()
            [log] = forgetful_redis.folder.glob("appendonlydir/*.incr.aof")
            written, done = log.stat().st_size, await handled(workers)
            while await handled(workers) < done + FORGOTTEN:  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(LOOK)
            await asyncio.to_thread(forgetful_redis.kill)
            with log.open("ab") as file:
                lost = file.tell() - written
                file.truncate(written)
            await asyncio.to_thread(forgetful_redis.start)
            await load.backlogged()
        await settled(amqp_url, topology, workers)
        result = await outcome(installation, forgetful_redis.url, USERS, amqp_url)
    forgotten = {user: gaps(result.committed[user], load.published[user]) for user in USERS}
    print(f"{lost} bytes lost; messages forgotten: {sum(map(sum, forgotten.values()))} of {load.published.total()}")
    assert lost > 0
    assert any(forgotten.values()), "nothing was forgotten: this proves nothing"
    assert [user for user, lengths in forgotten.items() if len(lengths) > 1] == []
    assert [user for user, numbers in result.committed.items() if numbers != sorted(set(numbers))] == []
    assert differences({user: result.first_replies(user) for user in USERS}, load) == {}
    assert result.dead == 0


async def handled(workers: Sequence[Service]) -> float:
    """Return the number of settled messages."""
    values = [await metrics(worker) for worker in workers]
    return sum(figures.get('wxbus_worker_deliveries_total{outcome="done"}', 0) for figures in values)


def gaps(numbers: Sequence[int], last: int) -> list[int]:
    """Return the lengths of the gaps between 1 and the last number."""
    return [after - before - 1 for before, after in pairwise([0, *numbers, last + 1]) if after > before + 1]
