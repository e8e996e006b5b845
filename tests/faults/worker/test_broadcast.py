"""A broadcast survives the death of its workers."""

import asyncio
from collections import Counter

import pytest

from tests.faults.conftest import Install
from tests.support.installation import ACCOUNT, APPID
from tests.support.sizes import soak
from tests.support.stores import open_store
from wxbus.bus.topology import Topology
from wxbus.messages.broadcasts import NewBroadcast
from wxbus.wechat import reply
from wxbus_sandbox.control.client import SandboxClient
from wxbus_worker.store.broadcasts import Broadcasts

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(soak(full=900, quick=180))]

RECIPIENTS = soak(full=100_000, quick=240)
RATE = soak(full=1000, quick=120)
KILLS = 3
MEMORY = 30.0
"""MiB that a worker may grow while it sends to all recipients."""


async def test_a_broadcast_that_is_killed_three_times_reaches_everyone(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Nobody is left out, and who was noted before a kill gets no second message; the memory stays flat."""
    users = [f"o_user{number}" for number in range(RECIPIENTS)]
    history = {"WXBUS_SANDBOX_HISTORY_SIZE": str(2 * RECIPIENTS)}
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology, **history) as installation,
        open_store(redis_url) as store,
    ):
        (worker,) = await installation.workers("tests.support.notified:router", "worker")
        broadcasts = Broadcasts(store, namespace=topology.namespace)
        new = NewBroadcast(account=ACCOUNT, message=reply.Text("sale"), rate=RATE)
        await broadcasts.create(new, account=ACCOUNT, appid=APPID)
        for start in range(0, RECIPIENTS, 1000):
            await broadcasts.add(new.id, users[start : start + 1000])
        await broadcasts.add(new.id, (), complete=True)

        async def noted() -> int:
            status = await broadcasts.status(new.id)
            assert status is not None
            assert status.refused == {}
            return status.sent

        async with SandboxClient.open(installation.sandbox_url) as sandbox:
            received: list[Counter[str]] = []
            before: list[set[str]] = []
            for kill in range(1, KILLS + 1):
                while await noted() < RECIPIENTS * kill // (KILLS + 1):  # noqa: ASYNC110 - another process sends
                    await asyncio.sleep(0.02)
                await worker.kill()
                left = await store.command("LRANGE", f"{topology.namespace}:{{broadcast:{new.id}}}:waiting", 0, -1)
                left += await store.command("ZRANGE", f"{topology.namespace}:{{broadcast:{new.id}}}:claimed", 0, -1)
                before.append(set(users) - {openid.decode() for openid in left})
                received.append(Counter(sent.openid for sent in await sandbox.sent(account=ACCOUNT)))
                await worker.start()
            started_with = worker.memory_mib()
            while await noted() < RECIPIENTS:  # noqa: ASYNC110 - another process sends
                await asyncio.sleep(0.1)
            grown = worker.memory_mib() - started_with
            finally_received = Counter(sent.openid for sent in await sandbox.sent(account=ACCOUNT))

    assert set(finally_received) == set(users)
    for noted_then, received_then in zip(before, received, strict=True):
        again = {user for user in noted_then if finally_received[user] != received_then[user]}
        assert again == set(), "noted before a kill"
    repeated = sum(finally_received.values()) - RECIPIENTS
    print(f"{repeated} messages were repeated by {KILLS} kills; the worker grew by {grown:.1f} MiB")
    assert grown < MEMORY
