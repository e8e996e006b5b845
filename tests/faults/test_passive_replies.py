"""Passive replies while ingress and workers are killed: none is lost; twice at most where one died."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest

from tests.faults.conftest import Install
from tests.support.installation import Installation
from wxbus.bus.topology import Topology
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Outcome, SendResult

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

BOT = "tests.support.passive_bot:router"
USERS = 12
VICTIMS = ("ingress", "worker0", "ingress")
BUDGET = 2.0
GRACE = 1.0
LATE = {"WXBUS_WORKER_PENDING_GRACE": str(GRACE), "WXBUS_WORKER_PENDING_AFTER_OUTAGE": "1"}
PATIENCE = 120.0
"""Seconds until all that is late must have come."""


async def start(installation: Installation, *, workers: int = 2) -> None:
    """Start everything, with a WeChat that asks again soon."""
    file = installation.folder / "accounts.toml"
    text = file.read_text(encoding="utf-8")
    kind = 'kind = "official_account"'
    file.write_text(text.replace(kind, f'{kind}\nreply = "passive"', 1), encoding="utf-8")
    await installation.sandbox(
        WXBUS_SANDBOX_ENFORCE_WINDOWS="false", WXBUS_SANDBOX_PUSH_SPACING="2", WXBUS_LOG_LEVEL="warning"
    )
    await installation.token()
    await asyncio.gather(
        installation.ingress(WXBUS_INGRESS_BUDGET=str(BUDGET), WXBUS_INGRESS_BROKER_BUDGET="0.5"),
        *(installation.worker(BOT, f"worker{number}", **LATE) for number in range(workers)),
    )


async def test_no_reply_is_lost_whoever_is_killed(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Each message that WeChat was answered is replied to, passively or otherwise; without kills exactly once.

    A worker that dies in a handler does not cost the passive way: ingress waits on, for the next worker's reply.
    """
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        SandboxClient.open(installation.sandbox_url) as sandbox,
    ):
        await start(installation)
        survived = await sandbox.text("shop", "die")
        assert (survived.outcome, survived.shown, len(survived.attempts)) == (Outcome.REPLIED, "die", 1)

        struck: list[SendResult] = []
        over, numbers = asyncio.Event(), itertools.count()

        async def user(number: int) -> None:
            while not over.is_set():
                struck.append(await sandbox.text("shop", f"struck {next(numbers)}", openid=f"o_{number}"))

        async with asyncio.TaskGroup() as group:
            for number in range(USERS):
                group.create_task(user(number))
            for name in random.sample(VICTIMS, len(VICTIMS)):
                await asyncio.sleep(random.uniform(0.3, 1.0))  # at no moment in particular
                await installation.services[name].kill()
                await installation.services[name].start()
            over.set()
        spared = await asyncio.gather(
            *(sandbox.text("shop", f"spared {number}", openid=f"o_{number}") for number in range(USERS))
        )
        found = await replies(sandbox, [*struck, *spared])

    assert [text for text, count in found.items() if not count] == []
    repeated = [text for text, count in found.items() if count > 1]
    print(f"{len(found)} replies, {len(repeated)} of them repeated")
    assert len(repeated) <= len(VICTIMS) * USERS
    assert [text for text in repeated if text.startswith("spared")] == []


async def replies(sandbox: SandboxClient, results: Sequence[SendResult]) -> dict[str, int]:
    """Return how often each reply that is owed has come, when no more can come."""
    answered = [result for result in results if result.outcome.settled]
    passively = Counter(result.shown for result in answered if result.outcome is Outcome.REPLIED)
    texts = {str(result.message["Content"]) for result in answered}
    owed = texts | {f"{text} too" for text in texts}

    async def counted() -> dict[str, int]:
        sent = Counter(one.content for one in await sandbox.sent())
        return {text: passively[text] + sent[text] for text in owed}

    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not all((await counted()).values()):  # noqa: ASYNC110 - the sandbox waits for a count, not for texts
                await asyncio.sleep(0.2)
    await asyncio.sleep(BUDGET + GRACE + 2)  # a reply that was taken and is late all the same is sent by then
    return await counted()
