"""More than RabbitMQ takes goes to the spool, more than the disk takes is refused; memory stays flat."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.benchmarks.load import apply, request
from tests.faults.conftest import Install
from tests.faults.test_nothing_acked_is_lost import key_of
from tests.support.installation import ACCOUNT, APPID, Credentials
from tests.support.proxy import proxied
from tests.support.pushes import a_push, a_text
from tests.support.queues import read_inbox
from wxbus.bus.topology import Topology

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

CONNECTIONS = 400
CALLBACKS = 6_000
TEXT = "字" * 600
"""WeChat's longest text has about 2,000 bytes."""
GROWTH = 64
"""MiB: with these connections and limits, the process may grow by so much between one wave and the fourth."""


def callbacks(credentials: Credentials, numbers: range) -> Iterator[bytes]:
    """Yield one request for each number, of fifty users."""
    for number in numbers:
        push = a_push(
            a_text(f"{number}", openid=f"o_{number % 50}", msg_id=str(number)) | {"Title": TEXT},
            token=credentials.token,
            aes_key=credentials.aes_key,
            receive_id=APPID,
        )
        yield request(f"/wechat/{ACCOUNT}?{urlencode(push.query)}", push.body)


async def test_memory_stays_flat_while_nothing_is_confirmed(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Wave after wave against a RabbitMQ that confirms nothing: all accepted on disk, and memory does not grow."""
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(220),
    ):
        ingress = await installation.ingress()
        proxy.blackhole()
        memory: list[float] = []
        for wave in range(4):
            numbers = range(wave * CALLBACKS, (wave + 1) * CALLBACKS)
            requests = list(callbacks(installation.credentials, numbers))
            outcome = await apply(installation.ingress_port, requests, connections=CONNECTIONS)
            assert outcome.wrong == 0
            memory.append(ingress.memory_mib())

        print(f"resident MiB after each wave of {CALLBACKS}: {[round(mib, 1) for mib in memory]}")
        assert memory[-1] - memory[0] < GROWTH


async def test_past_all_bounds_the_answer_is_503_and_never_a_false_success(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """With little room in flight and before the disk, some are refused; every one that was not arrives."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(220),
    ):
        await installation.ingress(
            WXBUS_INGRESS_IN_FLIGHT="2", WXBUS_INGRESS_SPOOL_WAITING="2", WXBUS_INGRESS_SPOOL_SIZE_LIMIT="200000"
        )
        requests = list(callbacks(installation.credentials, range(CALLBACKS)))
        outcome = await apply(installation.ingress_port, requests, connections=CONNECTIONS)
        accepted = CALLBACKS - outcome.wrong
        found: set[tuple[str, int]] = set()
        while len(found) < accepted:
            found |= {key_of(envelope) for envelope in await read_inbox(amqp_url, topology)}

        print(f"{accepted} accepted, {outcome.wrong} refused, {len(found)} arrived")
        assert 0 < outcome.wrong < CALLBACKS
        assert len(found) >= accepted  # what was refused may have arrived all the same
