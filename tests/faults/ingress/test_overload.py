"""More than RabbitMQ takes goes to the spool, more than the disk takes is refused; memory stays flat."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.benchmarks.load import apply, request
from tests.faults.conftest import Install
from tests.faults.test_nothing_acked_is_lost import key_of
from tests.support.installation import ACCOUNT, APPID, Credentials
from tests.support.proxy import proxied
from tests.support.pushes import a_push, a_text
from tests.support.queues import read_inbox
from wxbus.bus.topology import Topology

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(440)]

CONNECTIONS = 2_000
CALLBACKS = 4_000
WAVES = 4
TEXT = "字" * 600
"""WeChat's longest text has about 2,000 bytes."""
GROWTH = 32
"""MiB by which the process may grow after the first wave: allocators keep a little back, a leak of one callback's
bytes each would be 40 MiB."""
LARGE = 120
"""Connections that send a body near the limit at the same time, 120 MiB in all."""
LARGE_GROWTH = 10 * 16
"""MiB: four times the bodies that are taken at once (as received, decrypted, as a document, as JSON), and what has come
of the others before they are refused. Without a bound it is 460."""

UNHURRIED = {"WXBUS_INGRESS_BUDGET": "60", "WXBUS_INGRESS_BODY_TIMEOUT": "60"}
"""On a slow machine so much at once takes longer than a callback may: here memory is looked at, not time."""


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


async def status_of(url: str) -> int:
    """Ask an admin port."""
    async with aiohttp.request("GET", url, timeout=aiohttp.ClientTimeout(total=60)) as answer:
        return answer.status


async def test_memory_stays_flat_while_nothing_is_confirmed(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Wave after wave against a RabbitMQ that confirms nothing: all accepted on disk, and memory does not grow.

    The admin port answers meanwhile.
    """
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        ingress = await installation.ingress(**UNHURRIED)
        proxy.blackhole()
        memory: list[float] = []
        requests = list(callbacks(installation.credentials, range(CALLBACKS)))
        for _ in range(WAVES):
            outcome, ready = await asyncio.gather(
                apply(installation.ingress_port, requests, connections=CONNECTIONS), status_of(str(ingress.ready))
            )
            assert (outcome.wrong, ready) == (0, 200)
            memory.append(ingress.memory_mib())

        print(f"{CONNECTIONS} connections, resident MiB after each wave: {[round(mib, 1) for mib in memory]}")
        assert memory[-1] - memory[0] < GROWTH


async def test_large_bodies_do_not_fill_the_memory(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """Hundreds of bodies of the greatest size at once: some are taken, some refused, memory stays in its bound."""
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        ingress = await installation.ingress(**UNHURRIED)
        proxy.blackhole()
        credentials = installation.credentials
        push = a_push(
            a_text("字" * 250_000, openid="o_1"), token=credentials.token, aes_key=credentials.aes_key, receive_id=APPID
        )
        large = request(f"/wechat/{ACCOUNT}?{urlencode(push.query)}", push.body, headers=["Connection: close"])
        before, statuses, peak = ingress.memory_mib(), Counter[bytes](), 0.0

        async def send() -> None:
            nonlocal peak
            reader, writer = await asyncio.open_connection("127.0.0.1", installation.ingress_port)
            writer.write(large)
            answer = await reader.read()
            statuses[answer.split(b" ", 2)[1]] += 1
            peak = max(peak, ingress.memory_mib())
            writer.close()

        await asyncio.gather(*(send() for _ in range(LARGE)))

        print(
            f"{LARGE} bodies of {len(push.body)} bytes: {dict(statuses)}, {before:.0f} MiB before, {peak:.0f} at most"
        )
        assert set(statuses) <= {b"200", b"503"}
        assert statuses[b"200"] > 0
        assert peak - before < LARGE_GROWTH


async def test_past_all_bounds_the_answer_is_503_and_never_a_false_success(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """With little room in flight, before the disk and in memory, some are refused; every one that was not arrives."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        await installation.ingress(
            WXBUS_INGRESS_MAX_IN_FLIGHT="2",
            WXBUS_INGRESS_SPOOL_QUEUE_LIMIT="2",
            WXBUS_INGRESS_SPOOL_SIZE_LIMIT="200000",
            WXBUS_INGRESS_TOTAL_BODY_LIMIT="1000000",  # what the spool refuses while it is drained waits in memory
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
