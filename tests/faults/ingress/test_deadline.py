"""Promise 1: every callback is answered within 4.5 s, whatever is wrong with RabbitMQ; with the spool it is success."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest

from tests.conftest import quiet
from tests.faults.conftest import Install
from tests.faults.test_nothing_acked_is_lost import PAUSE, judge, read
from tests.support.alarms import clear_memory_alarm, raise_memory_alarm
from tests.support.callers import calling
from tests.support.proxy import Proxy, proxied
from wxbus.aio.background import background
from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import RABBITMQ, Launcher
from wxbus_local.servers.server import Server

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(440)]

USERS = 24
BUDGET = 4.5
"""Seconds: the promise, and the default."""

Fault: TypeAlias = Callable[[Server, Proxy], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def down(server: Server, _proxy: Proxy) -> AsyncIterator[None]:
    """Stopped in good order."""
    await asyncio.to_thread(server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


@asynccontextmanager
async def killed(server: Server, _proxy: Proxy) -> AsyncIterator[None]:
    """Crashed."""
    await asyncio.to_thread(server.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


@asynccontextmanager
async def frozen(server: Server, _proxy: Proxy) -> AsyncIterator[None]:
    """Connections stay open and nothing answers."""
    await asyncio.to_thread(server.freeze)
    try:
        yield
    finally:
        await asyncio.to_thread(server.thaw)


@asynccontextmanager
async def alarmed(server: Server, _proxy: Proxy) -> AsyncIterator[None]:
    """Short of memory: it answers heartbeats, and reads nothing that is published."""
    await asyncio.to_thread(raise_memory_alarm, server)
    try:
        yield
    finally:
        await asyncio.to_thread(clear_memory_alarm, server)


@asynccontextmanager
async def unreachable(_server: Server, proxy: Proxy) -> AsyncIterator[None]:
    """Nothing listens any more, and connections are reset."""
    await proxy.refuse()
    try:
        yield
    finally:
        await proxy.listen()


@asynccontextmanager
async def slow(_server: Server, proxy: Proxy) -> AsyncIterator[None]:
    """Confirms come, but after the time that a callback has for them."""

    async def hold() -> None:
        while True:
            proxy.hold_answers()
            await asyncio.sleep(random.uniform(2, 3))
            proxy.flow()
            await asyncio.sleep(random.uniform(0, 0.01))

    async with background(hold()):
        yield
    proxy.flow()


@pytest.fixture(scope="module")
def broker(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One RabbitMQ for all faults: each leaves it as it was."""
    server = quiet(launcher).launch(RABBITMQ, tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.discard()


@pytest.mark.parametrize("fault", [down, killed, frozen, alarmed, unreachable, slow])
async def test_every_answer_is_success_and_in_time(
    broker: Server, redis_url: str, namespace: str, install: Install, fault: Fault
) -> None:
    """Under a load that does not stop, no callback is refused or late; all reach RabbitMQ, each user's in order."""
    topology = Topology(namespace, partitions=4)
    async with (
        proxied(broker.url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(400),
    ):
        await installation.ingress()
        async with calling(installation.ingress_port, installation.credentials, users=USERS, pause=PAUSE) as calls:
            await calls.until_acked(200)
            async with fault(broker, proxy):
                await calls.until_acked(40 * USERS)
            await calls.until_acked(200)
        found = await read(broker.url, topology, calls)

        assert calls.others == []
        assert calls.refused == []
        assert calls.answers["cut"] == 0
        judge(calls, found)
        assert calls.slowest < BUDGET
