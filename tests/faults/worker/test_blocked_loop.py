"""A handler that blocks the event loop affects its own message only."""

import asyncio

import aio_pika
import pytest

from tests.faults.conftest import Install
from tests.support.history import metrics, outcome, settled
from tests.support.partition_takeovers import events
from tests.support.queues import dead
from tests.support.sizes import soak
from tests.support.worker import a_text_to_the_shop
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Servers

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

USERS = [f"o_user{index}" for index in range(12)]
EACH = 6
LOOK = 0.2
HANDLER = "tests.support.blocking.block"


@pytest.mark.usefixtures("redis")
async def test_a_message_that_blocks_the_loop_is_isolated(
    managed: Servers, topology: Topology, install: Install
) -> None:
    """Each time the worker is cut off counts as a crash: the message runs alone in the end, then it is dead-lettered.

    Every other message is handled once and in order. The log names message, handler and line of code while the loop
    is still blocked; a metric counts it.
    """
    amqp_url, redis_url = managed.amqp_url, managed.redis_url
    assert managed.management_url
    async with (
        install(
            amqp_url=amqp_url,
            redis_url=redis_url,
            topology=topology,
            WXBUS_AMQP_MANAGEMENT_URL=managed.management_url,
        ) as installation,
        asyncio.timeout(220),
    ):
        names = (f"worker{number}" for number in range(soak(full=3, quick=2)))
        workers = await installation.workers("tests.support.blocking:router", *names)
        blocking = a_text_to_the_shop("block", USERS[5])
        async with Publisher.open(amqp_url, topology, name="users") as publisher:
            for number in range(1, EACH + 1):
                for user in USERS:
                    await publisher.publish(a_text_to_the_shop(str(number), user), budget=10)
                    if (user, number) == (USERS[5], 3):
                        await publisher.publish(blocking, budget=10)
            while not await dead(amqp_url, topology):  # noqa: ASYNC110 - RabbitMQ sends no event
                await asyncio.sleep(LOOK)
            await settled(amqp_url, topology, workers)
        result = await outcome(installation, redis_url, USERS, amqp_url)
        blocked = [await metrics(worker) for worker in workers]

    assert result.committed == {user: list(range(1, EACH + 1)) for user in USERS}
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(topology.dead_queue.name)
        letter = await queue.get(no_ack=True)
        assert await queue.get(no_ack=True, fail=False) is None
    assert (letter.message_id, letter.headers["death_reason"]) == (blocking.id, "poison")
    # A machine that is too busy to run a loop for a second causes such a warning, too.
    warnings = [
        fields
        for worker in workers
        for _, fields in events(worker, "loop.blocked")
        if "time.sleep(BLOCK)" in fields["code"]
    ]
    assert {(fields["message_id"], fields["handler"]) for fields in warnings} == {(blocking.id, HANDLER)}
    assert sum(values["wxbus_loop_blocked_total"] for values in blocked) >= len(warnings)
    # A message that was running at as many cut-offs is a suspect, too, and is handled when it runs alone.
    alone = [fields for worker in workers for _, fields in events(worker, "delivery.suspect_runs_alone")]
    assert (blocking.id, HANDLER) in {(fields["message_id"], fields["handler"]) for fields in alone}
