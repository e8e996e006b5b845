"""A message that kills its process ends in the dead letters, alone."""

import aio_pika
import pytest

from tests.faults.conftest import Install
from tests.support.history import outcome, settled
from tests.support.installation import ACCOUNT, APPID
from tests.support.processes import Service
from tests.support.queues import dead
from tests.support.worker import a_text_envelope
from wxbus.bus.envelope import Envelope
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_worker.stages.count_start import POISON

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(150), pytest.mark.usefixtures("redis")]

USERS = [f"o_user{index}" for index in range(12)]
EACH = 8


async def test_a_message_that_kills_its_process(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Dead after five starts, with the reason; those fetched with it are handled, once, in order, none is dead."""
    async with install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation:
        await installation.sandbox()
        await installation.token()
        worker = await installation.worker("tests.support.deadly:router")
        async with Publisher.open(amqp_url, topology, name="users") as publisher:
            for number in range(1, EACH + 1):
                for user in USERS:
                    await publisher.publish(a_text(str(number), user), budget=10)
                    if (user, number) == (USERS[5], 3):
                        await publisher.publish(a_text("die", user), budget=10)
        deaths = await restarted_until_dead(worker, amqp_url, topology)
        await settled(amqp_url, topology, [worker])
        result = await outcome(installation, redis_url, USERS, amqp_url)

    assert deaths == POISON
    assert result.committed == {user: list(range(1, EACH + 1)) for user in USERS}
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(topology.dead_queue.name)
        letter = await queue.get(no_ack=True)
        assert await queue.get(no_ack=True, fail=False) is None
    assert letter
    assert b'"die"' in letter.body
    assert letter.headers["death_reason"] == "poison"
    assert letter.headers["death_error"] == "Poison: 5 runs began and none ended: each time the process died"


def a_text(content: str, openid: str) -> Envelope:
    """A user's text."""
    return a_text_envelope(content, openid=openid, account=ACCOUNT, appid=APPID, lane=f"{APPID}:{openid}")


async def restarted_until_dead(worker: Service, amqp_url: str, topology: Topology) -> int:
    """Start the worker whenever it has died, until there is a dead letter; return how often it died."""
    deaths = 0
    while True:
        try:
            code = await worker.wait(1)
        except TimeoutError:
            if await dead(amqp_url, topology):
                return deaths
            continue
        assert code == 70
        deaths += 1
        try:
            await worker.start()
        except RuntimeError as exc:
            if "ended with 70" not in str(exc):
                raise
