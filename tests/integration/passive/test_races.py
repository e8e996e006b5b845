"""Replies around the deadline: just before, at, just after it; each user gets theirs exactly once."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.pushes import a_push, a_text
from tests.support.whole import an_account, whole
from wxbus.bus.topology import Topology
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import parse
from wxbus_ingress.passive.responder import MARGIN
from wxbus_ingress.settings import Limits
from wxbus_worker import Router, TextMessage, current_delivery, reply

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(120)]

RUNS = 1_000
AT_ONCE = 100
BUDGET = 1.2
SPREAD = 0.03
"""Seconds before and after the edge within which the replies come."""
EACH = 20
AT_ANY_RATE = {0: BUDGET, 10: -0.1}
"""Seconds before the deadline of those that surely are in time, and surely not, however slow the machine is."""
STEP = 0.004
"""Seconds by which the edge is looked for earlier after a reply that was too late, and later after one in time."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing is printed: thousands of lines take more time than what is tested."""
    with structlog.testing.capture_logs():
        yield


async def test_a_reply_at_the_deadline_goes_exactly_one_way(
    amqp_url: str, redis_url: str, redis: object, topology: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand runs without a kill: as the answer to WeChat, or by customer service; never both, never neither."""
    assert redis is not None  # deletes the keys afterwards
    monkeypatch.setattr(
        "wxbus_ingress.publishing.spooling_publisher.SPOOL_RESERVE", 0.3
    )  # else a budget is more than a second
    router = Router()
    lead = 0.1  # between the handler's end and the deadline: what the way to ingress takes on this machine

    @router.text
    async def answer(message: TextMessage) -> reply.Text:
        number = int(message.content.removeprefix("hello "))
        decided = current_delivery().received_at + BUDGET - MARGIN
        before = AT_ANY_RATE.get(number % EACH, lead + random.uniform(-SPREAD, SPREAD))
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
        pending_grace=5.0,  # a note of an answer is in its lane by then, on any machine
    ) as world:
        places = asyncio.Semaphore(AT_ONCE)

        async def user(number: int) -> None:
            nonlocal lead
            document = {**a_text(f"hello {number}", openid=f"o_{number}"), "CreateTime": str(int(time.time()))}
            push = a_push(document, mode=Mode.PLAIN, nonce=f"n{number}")
            status = 503
            async with places:
                while status == 503:  # too slow a machine for this budget: WeChat would push it again, too
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
    assert world.rig.metrics.passive.labels("deadline_passed")._value.get() > 0, (
        "no answer arrived too late, so the deadline was never close"
    )
