"""Under overload callbacks go to the spool, then they are refused; memory stays flat."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.benchmarks.load import apply, request
from tests.faults.conftest import Install
from tests.support.acknowledged import key_of
from tests.support.installation import ACCOUNT, APPID, Credentials
from tests.support.proxy import proxied
from tests.support.pushes import a_push, a_text
from tests.support.queues import read_inbox
from tests.support.sizes import soak
from wxbus.bus.topology import Topology

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(440)]

CONNECTIONS = soak(2_000, 500)
CALLBACKS = soak(4_000, 1_000)
WAVES = soak(4, 3)
TEXT = "字" * soak(600, 4_000)
"""WeChat's longest text has about 2,000 bytes; fewer callbacks have a longer one."""
GROWTH = 32
"""MiB by which memory may grow after the first wave; a leak of each callback's bytes would be 40 MiB."""
LARGE = 120
"""Connections that send a body near the limit at the same time, 120 MiB in all."""
LARGE_GROWTH = 10 * 16
"""MiB: four copies of the accepted bodies (received, decrypted, document, JSON) and the parts of the others that arrive
before they are refused. Without a limit it is 460 MiB."""

LONG_TIMEOUTS = {"WXBUS_INGRESS_BUDGET": "60", "WXBUS_INGRESS_BODY_TIMEOUT": "60"}
"""These tests check memory, not time."""


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
    """Return the status of a URL of the admin port."""
    async with aiohttp.request("GET", url, timeout=aiohttp.ClientTimeout(total=60)) as answer:
        return answer.status


async def test_memory_stays_flat_while_nothing_is_confirmed(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """While RabbitMQ confirms nothing, all callbacks are accepted on disk, and the admin port answers."""
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        ingress = await installation.ingress(**LONG_TIMEOUTS)
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
    """Of many bodies of the maximum size at once, some are accepted and some refused; memory stays bounded."""
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        ingress = await installation.ingress(**LONG_TIMEOUTS)
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


async def test_above_all_limits_the_answer_is_503_and_never_a_false_success(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """With low limits for the broker, the disk and memory some callbacks are refused; all others arrive."""
    async with (
        install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        await installation.ingress(
            WXBUS_INGRESS_MAX_IN_FLIGHT="2",
            WXBUS_INGRESS_SPOOL_QUEUE_LIMIT="2",
            WXBUS_INGRESS_SPOOL_SIZE_LIMIT="200000",
            WXBUS_INGRESS_TOTAL_BODY_LIMIT="1000000",  # bounds the overflow queue
        )
        requests = list(callbacks(installation.credentials, range(CALLBACKS)))
        outcome = await apply(installation.ingress_port, requests, connections=CONNECTIONS)
        accepted = CALLBACKS - outcome.wrong
        found: set[tuple[str, int]] = set()
        while len(found) < accepted:
            found |= {key_of(envelope) for envelope in await read_inbox(amqp_url, topology)}

        print(f"{accepted} accepted, {outcome.wrong} refused, {len(found)} arrived")
        assert 0 < outcome.wrong < CALLBACKS
        assert len(found) >= accepted  # a refused callback may have arrived
