"""Promise 2: what was answered "success" is in RabbitMQ or in the spool, at whatever moment ingress is killed.

`ingress/test_deadline.py` kills RabbitMQ.
"""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import Install
from tests.support.acknowledged import Key, check_acknowledged, key_of, read
from tests.support.callers import calling
from tests.support.processes import Service, serving
from tests.support.proxy import Proxy, proxied
from tests.support.queues import read_inbox
from tests.support.sizes import soak
from wxbus.aio.waiting import wait_any
from wxbus.bus.topology import Topology
from wxbus_ingress.spool.database import open_for_reading
from wxbus_ingress.spool.location import spool_path
from wxbus_ingress.spool.rows import decode, read_envelopes

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

USERS = 24
KILLS = soak(20, 4)
PROCESSES, KILLS_OF_ONE = soak(3, 2), soak(4, 2)


@asynccontextmanager
async def outages(proxy: Proxy) -> AsyncIterator[None]:
    """During the block, cut RabbitMQ off at random moments and for random times, in every way a network can."""
    over = asyncio.Event()

    async def come_and_go() -> None:
        while not over.is_set():
            await wait_any(over, within=random.uniform(0.1, 1.5))
            way = random.choice(("refuse", "blackhole", "hold_answers", "abort"))
            if way == "refuse":
                await proxy.refuse()
            else:
                getattr(proxy, way)()
            await wait_any(over, within=random.uniform(0.1, 3))
            proxy.flow()
            if way == "refuse":
                await proxy.listen()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(come_and_go())
        try:
            yield
        finally:
            over.set()


async def test_kill_9_of_ingress_while_rabbitmq_comes_and_goes(
    amqp_url: str, redis_url: str, topology: Topology, install: Install, tmp_path: Path
) -> None:
    """No acknowledged callback is lost, and the order of each user's callbacks stays; half the kills find a spool."""
    spool = spool_path(tmp_path / "spool" / topology.namespace, 0)
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(580),
    ):
        ingress = await installation.ingress(
            WXBUS_INGRESS_SPOOL_DIR=str(tmp_path / "spool"), WXBUS_INGRESS_BROKER_BUDGET="0.5"
        )
        async with outages(proxy):
            async with calling(installation.ingress_port, installation.credentials, users=USERS) as calls:
                for kill in range(KILLS):
                    await calls.until_acked(random.randint(30, 300))
                    if kill % 2:
                        await until_spooled(spool)
                    await asyncio.sleep(random.uniform(0, 0.05))  # not only at the moment of an answer
                    await ingress.kill()
                    await ingress.start()
                await calls.until_acked(100)
            await ingress.kill()
        spooled = in_spool(spool)
        queued = [key_of(envelope) for envelope in await read_inbox(amqp_url, topology)]
        assert set(calls.acked) <= {*queued, *spooled}

        await ingress.start()
        drained = await read(amqp_url, topology, calls, before=queued)

    assert calls.answers["cut"] >= KILLS / 2, "too few kills interrupted a call"
    check_acknowledged(calls, drained)


async def test_kill_9_of_one_of_several_processes(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """What a killed process acknowledged is in RabbitMQ or in its spool, and its successor drains the spool.

    Each process has an order of its own, so order is not checked.
    """
    async with (
        proxied(amqp_url) as (proxy, url),
        install(amqp_url=url, redis_url=redis_url, topology=topology) as installation,
        asyncio.timeout(580),
    ):
        env = {
            "WXBUS_INGRESS_HOST": "127.0.0.1",
            "WXBUS_INGRESS_PORT": str(installation.ingress_port),
            "WXBUS_INGRESS_ADMIN_PORT": "0",
            "WXBUS_INGRESS_BROKER_BUDGET": "0.5",
        }
        module = ("wxbus_ingress", "--processes", str(PROCESSES))
        ingress = installation.describe("ingress", *module, port=installation.ingress_port, env=env)
        async with serving(ingress):
            await ingress.until_said("ingress.listening", times=PROCESSES)
            async with (
                outages(proxy),
                calling(installation.ingress_port, installation.credentials, users=USERS) as calls,
            ):
                for kill in range(KILLS_OF_ONE):
                    await calls.until_acked(random.randint(30, 200))
                    await ingress.until_said("ingress.listening", times=PROCESSES + kill)
                    # In a thread, so that the callers call until the kill.
                    called = await asyncio.to_thread(called_processes, ingress)
                    random.choice(called).kill()
                await calls.until_acked(100)
            drained = await read(amqp_url, topology, calls)

    assert calls.others == []
    assert calls.answers["cut"] > 0, "no kill interrupted a call"
    assert set(calls.acked) <= set(drained)


def called_processes(ingress: Service) -> list[psutil.Process]:
    """Return the processes to which callers are connected: they send without a pause, so those have their calls."""
    return [process for process in ingress.processes() if is_connected(process, ingress.port)]


def is_connected(process: psutil.Process, port: int | None) -> bool:
    """Return whether a process has a connection at its port."""
    return any(
        connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
        for connection in process.net_connections("tcp4")
    )


def in_spool(path: Path) -> list[Key]:
    """Return the callbacks in a spool."""
    try:
        with open_for_reading(path) as connection:
            return [key_of(decode(data)) for data in read_envelopes(connection)]
    except sqlite3.OperationalError:
        return []  # it is not created yet


async def until_spooled(path: Path) -> None:
    """Return once a spool has callbacks."""
    while not in_spool(path):  # noqa: ASYNC110 - a file cannot be awaited
        await asyncio.sleep(0.01)
