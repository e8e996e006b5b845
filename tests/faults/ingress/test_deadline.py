"""Promise 1: ingress answers every callback within 4.5 s, whatever fails in RabbitMQ; with the spool it is success."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import pytest
import pytest_asyncio

from tests.conftest import running
from tests.support.acknowledged import check_acknowledged, read
from tests.support.alarms import clear_memory_alarm, raise_memory_alarm
from tests.support.callers import calling
from tests.support.installation import Installation
from tests.support.proxy import Proxy, proxied
from tests.support.sizes import soak
from wxbus.aio.background import background
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Launcher
from wxbus_local.servers.server import Server

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.timeout(440),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("ingress_deadline"),
]

USERS = 24
BUDGET = 4.5
"""Seconds: the promise, and the default."""
PAUSE = 0.05
"""Seconds between a user's messages: the spool stays small while RabbitMQ starts."""
ROUNDS = soak(3, 1)
CALLBACKS = soak(40, 5) * USERS
"""Callbacks during a fault."""


@dataclass
class Site:
    """An ingress with a RabbitMQ of its own behind a proxy."""

    server: Server
    proxy: Proxy
    installation: Installation


Fault: TypeAlias = Callable[[Site], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def down(site: Site) -> AsyncIterator[None]:
    """RabbitMQ is stopped."""
    await asyncio.to_thread(site.server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(site.server.start)


@asynccontextmanager
async def killed(site: Site) -> AsyncIterator[None]:
    """RabbitMQ crashes."""
    await asyncio.to_thread(site.server.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(site.server.start)


@asynccontextmanager
async def frozen(site: Site) -> AsyncIterator[None]:
    """Connections stay open, and RabbitMQ does not answer."""
    await asyncio.to_thread(site.server.freeze)
    try:
        yield
    finally:
        await asyncio.to_thread(site.server.thaw)


@asynccontextmanager
async def alarmed(site: Site) -> AsyncIterator[None]:
    """RabbitMQ has a memory alarm: it answers heartbeats, and does not read what is published."""
    await asyncio.to_thread(raise_memory_alarm, site.server)
    try:
        yield
    finally:
        await asyncio.to_thread(clear_memory_alarm, site.server)


@asynccontextmanager
async def unreachable(site: Site) -> AsyncIterator[None]:
    """Connections are reset, and the port is closed."""
    await site.proxy.refuse()
    try:
        yield
    finally:
        await site.proxy.listen()


@asynccontextmanager
async def slow(site: Site) -> AsyncIterator[None]:
    """Confirms arrive after the time that a callback has for them."""
    late_confirms = asyncio.Event()

    async def hold() -> None:
        while True:
            site.proxy.hold_answers()
            await asyncio.sleep(random.uniform(2, 3))
            site.proxy.flow()
            late_confirms.set()
            await asyncio.sleep(random.uniform(0, 0.01))

    async with background(hold()):
        yield
        await late_confirms.wait()
    site.proxy.flow()


FAULTS: list[Fault] = [killed, frozen, alarmed, unreachable, slow, *soak([down], [])]


@pytest.fixture(scope="module")
def server(spare_rabbitmq: Server) -> Server:
    """One RabbitMQ for all faults."""
    return running(spare_rabbitmq)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    server: Server, redis_url: str, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One ingress for all faults."""
    async with (
        proxied(server.url) as (proxy, url),
        Installation.open(
            launcher.run,
            tmp_path_factory.mktemp("ingress"),
            amqp_url=url,
            redis_url=redis_url,
            topology=Topology("deadline", partitions=4),
        ) as installation,
    ):
        await installation.ingress()
        yield Site(server, proxy, installation)


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_answer_is_success_and_in_time(site: Site, fault: Fault) -> None:
    """Under constant load no callback is refused or late; all reach RabbitMQ, each user's in order."""
    installation = site.installation
    async with (
        asyncio.timeout(400),
        calling(
            installation.ingress_port,
            installation.credentials,
            users=USERS,
            pause=PAUSE,
            prefix=f"o_{fault.__name__}",
        ) as calls,
    ):
        for _ in range(ROUNDS):
            await calls.until_acked(2 * USERS)
            async with fault(site):
                await calls.until_acked(CALLBACKS)
        await calls.until_acked(2 * USERS)
    found = await read(site.server.url, installation.topology, calls)

    assert calls.refused == []
    assert calls.answers["cut"] == 0
    check_acknowledged(calls, found)
    assert calls.slowest < BUDGET
