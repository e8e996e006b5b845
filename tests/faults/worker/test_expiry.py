"""A due context is removed once, also if workers crash."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import pytest

from tests.faults.conftest import Install
from tests.support.history import settled
from tests.support.installation import ACCOUNT, APPID
from tests.support.partition_takeovers import figures
from tests.support.processes import Service
from tests.support.sizes import soak
from tests.support.stores import open_store
from tests.support.worker import a_text_envelope
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_sandbox.control.client import SandboxClient
from wxbus_worker.store.ports import CLAIM_SECONDS

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

USERS = [f"o_user{index}" for index in range(soak(full=60, quick=30))]
ROUNDS = soak(full=3, quick=2)
WORKERS = soak(full=10, quick=4)
KILLS = soak(full=6, quick=2)
FEW_SECONDS = 3.0
"""After a context's time until it is removed, on a machine that does not stall."""
REPLY_LEASE = 3.0


async def test_each_context_is_removed_once_while_workers_are_killed(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """All counts are removed, in the user's order, and none twice.

    A reply may reach a user twice if its worker is killed between WeChat's answer and the record of it. The replies
    of a user are sent one by one, so no user gets more repeats than there are kills.
    """
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        open_store(redis_url) as store,
        SandboxClient.open(installation.sandbox_url) as sandbox,
        asyncio.timeout(230),
    ):
        names = (f"worker{number}" for number in range(WORKERS))
        workers = await installation.workers(
            "tests.support.forgetting:router", *names, WXBUS_WORKER_SEND_LEASE=str(REPLY_LEASE)
        )
        victims = iter(random.sample(workers, KILLS))
        killed: list[Service] = []
        async with Publisher.open(amqp_url, topology, name="users") as publisher:
            for number in range(1, ROUNDS + 1):
                for user in USERS:
                    fields: dict[str, Any] = {"lane": f"{APPID}:{user}", "appid": APPID, "dedup_id": f"{user}:{number}"}
                    fields["received_at"] = time.time()
                    await publisher.publish(a_text_envelope(openid=user, **fields), budget=10)
                while not all_removed(await texts(sandbox), number):
                    if victim := next(victims, None):
                        await victim.kill()
                        killed.append(victim)
                    await asyncio.sleep(random.uniform(0.2, 0.6))
                await settled(amqp_url, topology, [worker for worker in workers if worker not in killed])
        said = await texts(sandbox)
        # A worker may record that it published an expiry after another one has handled it, or die before.
        while await store.command("KEYS", f"{topology.namespace}:*:context_expiries"):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)

    for user in USERS:
        once = without_repeats(said[user])
        assert len(said[user]) - len(once) <= KILLS
        counted = [int(text.split()[1]) for text in once if text.startswith("counted")]
        forgotten = [int(text.split()[1]) for text in once if text.startswith("forgotten")]
        # A message may find the context still alive: then it counts on, and the context expires later.
        assert len(counted) == ROUNDS, said[user]
        assert sum(forgotten) == ROUNDS, said[user]
        assert once[-1].startswith("forgotten"), said[user]
    late = [float(text.split()[2]) for texts in said.values() for text in texts if text.startswith("forgotten")]
    print(f"after their time: {figures(late)}")
    assert median(late) < CLAIM_SECONDS, "most contexts waited for the end of a claim"
    # A worker was killed between claim and publish, or while it sent a reply of the user.
    assert max(late) < CLAIM_SECONDS + REPLY_LEASE + 2 * FEW_SECONDS


async def texts(sandbox: SandboxClient) -> Mapping[str, Sequence[str]]:
    """Return the replies to each user, in order."""
    said: dict[str, list[str]] = defaultdict(list)
    for sent in await sandbox.sent(account=ACCOUNT):
        said[sent.openid].append(sent.content)
    return said


def without_repeats(texts: Sequence[str]) -> list[str]:
    """Return the texts that differ from the one before."""
    return [text for place, text in enumerate(texts) if place == 0 or texts[place - 1] != text]


def all_removed(said: Mapping[str, Sequence[str]], messages: int) -> bool:
    """Return whether so many messages of each user were counted, and the context was removed after the last one."""
    return all(
        sum(text.startswith("counted") for text in without_repeats(said.get(user, ()))) >= messages
        and said[user][-1].startswith("forgotten")
        for user in USERS
    )
