"""A message that crashes the worker process is dead-lettered, alone."""

import asyncio
from contextlib import suppress

import aio_pika
import pytest

from tests.faults.conftest import Install
from tests.support.history import outcome, settled
from tests.support.processes import Service
from tests.support.queues import dead
from tests.support.sizes import soak
from tests.support.worker import a_text_to_the_shop
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_worker.delivery.stages.detect_crashes import POISON

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.usefixtures("redis")]

USERS = [f"o_user{index}" for index in range(12)]
EACH = 8
LOOK = 0.2
LONG = 230.0
"""Seconds; the test ends before."""


async def test_a_message_that_crashes_its_process_is_dead_lettered(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """After five attempts by any workers, with the reason.

    Other messages that those workers had fetched are handled once and in order, and none is dead-lettered.
    """
    async with install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation:
        names = (f"worker{number}" for number in range(soak(full=3, quick=2)))
        workers = await installation.workers("tests.support.deadly:router", *names)
        deaths: list[int] = []
        async with Publisher.open(amqp_url, topology, name="users") as publisher, asyncio.TaskGroup() as group:
            for number in range(1, EACH + 1):
                for user in USERS:
                    await publisher.publish(a_text_to_the_shop(str(number), user), budget=10)
                    if (user, number) == (USERS[5], 3):
                        await publisher.publish(a_text_to_the_shop("die", user), budget=10)
            supervisors = [group.create_task(supervise(worker, deaths)) for worker in workers]
            while not await dead(amqp_url, topology):  # noqa: ASYNC110 - RabbitMQ sends no event
                await asyncio.sleep(LOOK)
            await settled(amqp_url, topology, workers)
            for supervisor in supervisors:
                supervisor.cancel()
        result = await outcome(installation, redis_url, USERS, amqp_url)

    assert deaths == [70] * POISON
    assert result.committed == {user: list(range(1, EACH + 1)) for user in USERS}
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(topology.dead_queue.name)
        letter = await queue.get(no_ack=True)
        assert await queue.get(no_ack=True, fail=False) is None
    assert b'"die"' in letter.body
    assert letter.headers["death_reason"] == "poison"
    assert str(letter.headers["death_error"]).startswith("PoisonMessage: 5 attempts")


async def supervise(worker: Service, deaths: list[int]) -> None:
    """Restart the worker after each crash, and record its exit codes."""
    while True:
        deaths.append(await worker.wait(LONG))
        with suppress(RuntimeError):  # it crashed while it started
            await worker.start()
