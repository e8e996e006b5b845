"""Scheduled messages survive the restart of everything that they depend on."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.conftest import Install
from tests.support.installation import ACCOUNT
from wxbus.bus.topology import Topology
from wxbus.messages import Bus
from wxbus.wechat import reply
from wxbus_local.servers.server import Server
from wxbus_sandbox.control.client import SandboxClient

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(150)]

USERS = [f"o_user{number}" for number in range(10)]
DELAY = timedelta(seconds=12)
"""About as long as the restarts take."""


async def test_scheduled_messages_survive_restarts(
    own_rabbitmq: Server, own_redis: Server, topology: Topology, install: Install
) -> None:
    """Sends and events are handled once and not before their time, though Redis, RabbitMQ and the worker are killed.

    Cancelled ones are not sent.
    """
    async with (
        install(amqp_url=own_rabbitmq.url, redis_url=own_redis.url, topology=topology) as installation,
        Bus.open(own_rabbitmq.url, topology=topology) as bus,
    ):
        (worker,) = await installation.workers("tests.support.notified:router", "worker")
        due = (datetime.now(UTC) + DELAY).replace(microsecond=0)
        await asyncio.gather(*(schedule(bus, user, due) for user in USERS))
        async with SandboxClient.open(installation.sandbox_url) as sandbox:
            await until_sent(sandbox, len(USERS))
            await worker.kill()
            for server in (own_redis, own_rabbitmq):
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await worker.start()
            await until_sent(sandbox, 3 * len(USERS))
            everything = await sandbox.sent(account=ACCOUNT)

    early = {sent.content for sent in everything if sent.time < due.timestamp()}
    assert early <= {"now"}
    received = Counter((sent.openid, sent.content) for sent in everything)
    assert received == Counter((user, text) for user in USERS for text in ("now", "reminder", f"payment 1: {user}"))


async def schedule(bus: Bus, user: str, due: datetime) -> None:
    """Schedule a message, an event and a message that is cancelled, and send a message."""
    await bus.send(ACCOUNT, user, reply.Text("reminder"), id="reminder", send_at=due)
    await bus.event(ACCOUNT, user, "paid", {"order": user}, id="payment", send_at=due)
    await bus.send(ACCOUNT, user, reply.Text("cancelled"), id="cancelled", send_at=due)
    await bus.cancel(ACCOUNT, user, "cancelled")
    await bus.send(ACCOUNT, user, reply.Text("now"))


async def until_sent(sandbox: SandboxClient, count: int) -> None:
    """Return once WeChat has got this many messages."""
    while len(await sandbox.sent(account=ACCOUNT)) < count:  # noqa: ASYNC110 - another process sends
        await asyncio.sleep(0.1)
