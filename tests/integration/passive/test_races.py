"""Replies around the deadline: each user gets the reply exactly once."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.metrics import counted
from tests.support.pushes import a_push, a_text
from tests.support.sizes import soak
from tests.support.whole import an_account, whole
from wxbus.bus.topology import Topology
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import parse
from wxbus_ingress.passive.responder import MARGIN
from wxbus_ingress.settings import Limits
from wxbus_worker import Router, TextMessage, current_delivery, reply

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(120)]

RUNS = soak(1_000, 200)
CONCURRENT = 100
BUDGET = 1.2
SPREAD = 0.03
"""Seconds around the deadline within which replies are ready."""
EACH = 20
CERTAIN = {0: BUDGET, 10: -0.1}
"""Seconds before the deadline of replies that are certainly in time, or certainly late."""
STEP = 0.004
"""Seconds by which replies get earlier after a late one, and later after one in time."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Capture the log: printing thousands of lines takes longer than the test."""
    with structlog.testing.capture_logs():
        yield


async def test_a_reply_at_the_deadline_goes_exactly_one_way(
    amqp_url: str, redis_url: str, redis: object, topology: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply is the answer to WeChat or goes by customer service, never both, never neither."""
    assert redis is not None  # deletes the keys afterwards
    monkeypatch.setattr(
        "wxbus_ingress.publishing.spooling_publisher.SPOOL_RESERVE", 0.3
    )  # otherwise a budget must exceed a second
    router = Router()
    lead = 0.1  # seconds from the handler's end to ingress on this machine

    @router.text
    async def answer(message: TextMessage) -> reply.Text:
        number = int(message.content.removeprefix("hello "))
        decided = current_delivery().received_at + BUDGET - MARGIN
        before = CERTAIN.get(number % EACH, lead + random.uniform(-SPREAD, SPREAD))
        await asyncio.sleep(decided - before - time.time())
        return reply.Text(message.content)

    ways: Counter[str] = Counter()
    passively: Counter[str] = Counter()
    async with whole(
        router,
        amqp_url=amqp_url,
        redis_url=redis_url,
        topology=topology,
        folder=tmp_path,
        account=an_account(),
        limits=Limits(budget=BUDGET, broker_budget=BUDGET),
        pending_grace=5.0,  # the note is in its lane by then
    ) as world:
        places = asyncio.Semaphore(CONCURRENT)

        async def user(number: int) -> None:
            nonlocal lead
            document = {**a_text(f"hello {number}", openid=f"o_{number}"), "CreateTime": str(int(time.time()))}
            push = a_push(document, mode=Mode.PLAIN, nonce=f"n{number}")
            status, body = 503, b""
            async with places:
                while status == 503:  # the machine is too slow for this budget: push it again, as WeChat does
                    async with world.http.post(world.url, params=push.query, data=push.body) as response:
                        status, body = response.status, await response.read()
            assert status == 200
            if body == b"success":
                lead = min(lead + STEP, BUDGET - 0.2)
                return
            assert parse(body)["Content"] == f"hello {number}"
            passively[f"o_{number}"] += 1
            lead -= STEP

        async with asyncio.TaskGroup() as users:
            for number in range(RUNS):
                users.create_task(user(number))
        await world.rig.until_settled(RUNS)
        await world.until_decided()
        otherwise = Counter(openid for openid, _ in world.rig.wechat.sent)
        for number in range(RUNS):
            openid = f"o_{number}"
            ways[f"{passively[openid]} passively, {otherwise[openid]} otherwise"] += 1

    print(dict(ways))
    assert ways.keys() == {"1 passively, 0 otherwise", "0 passively, 1 otherwise"}, ways
    assert counted(world.rig.metrics.passive.labels("deadline_passed")) > 0, (
        "no answer arrived too late, so the deadline was never close"
    )
