"""Passive replies while ingress and workers are killed: none is lost, and a kill repeats a reply at most once."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from tests.faults.conftest import Install
from tests.support.installation import Installation
from tests.support.sizes import soak
from tests.support.stores import open_store
from wxbus.bus.topology import Topology
from wxbus.store.store import Store
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import (
    Outcome,
    SendResult,
)
from wxbus_worker.store.keys import LaneKeys
from wxbus_worker.store.ports import SHARDS

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

BOT = "tests.support.passive_bot:router"
USERS = 12
VICTIMS = soak(("ingress", "worker0", "ingress"), ("ingress", "worker0"))
BUDGET, PUSH_TIMEOUT = 10.0, 15.0
"""Seconds of ingress, within which the next worker takes over from one that died, and of WeChat."""
GRACE = 1.0
LATE: dict[str, Any] = {"WXBUS_WORKER_PENDING_GRACE": str(GRACE), "WXBUS_WORKER_PENDING_AFTER_OUTAGE": "1"}
TIMEOUT = 120.0
"""Seconds for all replies to arrive."""


async def start(installation: Installation, *, workers: int = 2) -> None:
    """Start all services, with a WeChat that repeats pushes soon."""
    file = installation.folder / "accounts.toml"
    text = file.read_text(encoding="utf-8")
    kind = 'kind = "official_account"'
    file.write_text(text.replace(kind, f'{kind}\nreply = "passive"', 1), encoding="utf-8")
    await installation.sandbox(
        WXBUS_SANDBOX_ENFORCE_WINDOWS="false",
        WXBUS_SANDBOX_PUSH_SPACING="2",
        WXBUS_SANDBOX_PUSH_TIMEOUT=str(PUSH_TIMEOUT),
        WXBUS_LOG_LEVEL="warning",
    )
    await installation.token()
    await asyncio.gather(
        installation.ingress(
            WXBUS_INGRESS_BUDGET=str(BUDGET),
            WXBUS_INGRESS_BROKER_BUDGET=str(BUDGET / 2),  # a message that goes to the spool gets no passive reply
            WXBUS_INGRESS_WECHAT_TIMEOUT=str(PUSH_TIMEOUT),
        ),
        *(installation.worker(BOT, f"worker{number}", **LATE) for number in range(workers)),
    )


async def test_no_reply_is_lost_when_a_process_is_killed(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Each accepted message gets its replies, passively or by customer service; without kills exactly once.

    If a worker dies in a handler, ingress gets the passive reply from the next worker.
    """
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        SandboxClient.open(installation.sandbox_url) as sandbox,
        open_store(redis_url) as store,
    ):
        await start(installation)
        survived = await sandbox.text("shop", "die")
        assert (survived.outcome, survived.shown) == (Outcome.REPLIED, "die")

        interrupted: list[SendResult] = []
        over, numbers = asyncio.Event(), itertools.count()

        async def user(number: int) -> None:
            while not over.is_set():
                interrupted.append(await sandbox.text("shop", f"interrupted {next(numbers)}", openid=f"o_{number}"))

        async with asyncio.TaskGroup() as group:
            for number in range(USERS):
                group.create_task(user(number))
            for name in random.sample(VICTIMS, len(VICTIMS)):
                await asyncio.sleep(random.uniform(0.3, 1.0))  # at random moments
                await installation.services[name].kill()
                await installation.services[name].start()
            over.set()
        undisturbed = await asyncio.gather(
            *(sandbox.text("shop", f"undisturbed {number}", openid=f"o_{number}") for number in range(USERS))
        )
        found = await replies(sandbox, [*interrupted, *undisturbed], store, LaneKeys(topology.namespace))

    assert [text for text, count in found.items() if not count] == []
    repeated = [text for text, count in found.items() if count > 1]
    print(f"{len(found)} replies, {len(repeated)} of them repeated")
    assert len(repeated) <= len(VICTIMS) * USERS
    assert [text for text in repeated if text.startswith("undisturbed")] == []


async def replies(
    sandbox: SandboxClient, results: Sequence[SendResult], store: Store, keys: LaneKeys
) -> dict[str, int]:
    """Return the count of each expected reply, after no reply is pending."""
    answered = [result for result in results if result.outcome.settled]
    passively = Counter(result.shown for result in answered if result.outcome is Outcome.REPLIED)
    texts = {str(result.message["Content"]) for result in answered}
    expected = texts | {f"{text} too" for text in texts}

    async def counted() -> dict[str, int]:
        sent = Counter(one.content for one in await sandbox.sent())
        return {text: passively[text] + sent[text] for text in expected}

    async def pending() -> int:
        return sum([int(await store.command("ZCARD", keys.reply_deadlines(shard))) for shard in range(SHARDS)])

    with suppress(TimeoutError):
        async with asyncio.timeout(TIMEOUT):
            while not all((await counted()).values()):  # noqa: ASYNC110 - the sandbox reports no event
                await asyncio.sleep(0.2)
            while await pending():  # noqa: ASYNC110 - Redis reports no event
                await asyncio.sleep(0.2)
    return await counted()
