"""Ingress with its spool and a real RabbitMQ."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.integration.ingress.conftest import send
from tests.support.metrics import until_spool_drained
from tests.support.proxy import Proxy
from tests.support.pushes import a_push, a_text
from tests.support.queues import read_inbox
from wxbus.accounts.accounts import Accounts
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.runtime.sockets import listening_socket
from wxbus.wechat.documents.codec import document_from_json
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import Limits, SpoolLimits
from wxbus_ingress.spool.location import spool_path
from wxbus_ingress.spool.spool import Spool

pytestmark = pytest.mark.integration

SUCCESS = (200, "success")


@dataclass
class Ingress:
    """A running ingress."""

    http: aiohttp.ClientSession
    url: str
    spool: Spool
    spooling: SpoolingPublisher
    broker: Proxy
    registry: CollectorRegistry
    sent: int = 0

    async def accept(self, count: int, *, users: int = 1) -> None:
        """Send `count` callbacks of each user, users concurrently; all must be accepted."""
        first, self.sent = self.sent, self.sent + count

        async def user(openid: str) -> None:
            for number in range(first, first + count):
                push = a_push(a_text(str(number), openid=openid, msg_id=f"{number}"))
                assert await send(self.http, self.url, push) == SUCCESS

        await asyncio.gather(*(user(f"o_{number}") for number in range(users)))


@pytest.fixture
def spool_limits() -> SpoolLimits:
    """Limits that these tests do not reach."""
    return SpoolLimits(disk_floor=0)


@pytest.fixture
async def ingress(
    proxy: tuple[Proxy, str],
    topology: Topology,
    accounts_file: Path,
    http: aiohttp.ClientSession,
    tmp_path: Path,
    spool_limits: SpoolLimits,
) -> AsyncIterator[Ingress]:
    """An ingress with a spool, its broker behind the proxy."""
    broker, url = proxy
    limits, registry = Limits(broker_budget=0.3), CollectorRegistry()
    metrics = SpoolMetrics(registry)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher.open(url, topology, name=topology.namespace))
        path = spool_path(tmp_path / topology.namespace, 0)
        spool = await stack.enter_async_context(Spool.open(path, spool_limits))
        spooling = await stack.enter_async_context(SpoolingPublisher.open(publisher, spool, limits, metrics))
        app = build_app(limits, Accounts.read(accounts_file), spooling, registry=CollectorRegistry())
        port = await stack.enter_async_context(serving(app, listening_socket("127.0.0.1", 0), grace=2))
        yield Ingress(http, f"http://127.0.0.1:{port}/wechat/shop", spool, spooling, broker, registry)


async def contents(amqp_url: str, topology: Topology) -> dict[str, list[str]]:
    """Return the inbox by user, first copies only."""
    first: dict[str, dict[str, str]] = {}
    for envelope in await read_inbox(amqp_url, topology):
        assert envelope.openid
        text = str(document_from_json(envelope.body)["Content"])
        first.setdefault(envelope.openid, {}).setdefault(envelope.id, text)
    return {openid: list(found.values()) for openid, found in first.items()}


@pytest.mark.parametrize("fault", ["refuse", "blackhole", "hold_answers", "abort"])
async def test_every_outage_is_success_and_keeps_the_order(
    ingress: Ingress, amqp_url: str, topology: Topology, fault: str
) -> None:
    """However RabbitMQ is lost, callbacks are accepted and arrive in each user's order."""
    await ingress.accept(5, users=4)
    await until_spool_drained(ingress.registry)  # a slow machine may have used the spool
    if fault == "refuse":
        await ingress.broker.refuse()
    else:
        getattr(ingress.broker, fault)()
    await ingress.accept(10, users=4)
    if fault == "refuse":
        assert ingress.spool.rows == 40
        await ingress.broker.listen()
    ingress.broker.flow()
    await until_spool_drained(ingress.registry)
    await ingress.accept(5, users=4)
    await until_spool_drained(ingress.registry)

    assert ingress.spool.rows == 0
    found = await contents(amqp_url, topology)
    assert found == {f"o_{user}": [str(number) for number in range(20)] for user in range(4)}


@pytest.mark.parametrize(
    "spool_limits",
    [SpoolLimits(disk_floor=2**62), SpoolLimits(disk_floor=0, size_limit=1)],
    ids=["the disk is nearly full", "the spool is full"],
)
async def test_without_rabbitmq_and_disk_the_answer_is_503(ingress: Ingress) -> None:
    """A callback that is not stored is never success; it is counted, and accepted again after the outage."""
    await ingress.broker.refuse()
    refused = (503, "not accepted: the message queue is unavailable, please send it again\n")
    assert await send(ingress.http, ingress.url, a_push()) == refused
    assert ingress.registry.get_sample_value("wxbus_ingress_spool_refused_total") == 1
    await ingress.broker.listen()
    while (answer := await send(ingress.http, ingress.url, a_push())) == refused:
        pass  # each takes its budget while the publisher connects

    assert answer == SUCCESS


def spool_command(tmp_path: Path, topology: Topology, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m wxbus_ingress spool ...` without the broker's address."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("WXBUS_")}
    env |= {"WXBUS_INGRESS_SPOOL_DIR": str(tmp_path), "WXBUS_NAMESPACE": topology.namespace, "COLUMNS": "120"}
    command = [sys.executable, "-m", "wxbus_ingress", "spool", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


async def test_the_spool_commands_read_beside_the_process(ingress: Ingress, tmp_path: Path, topology: Topology) -> None:
    """`spool status` and `spool export` do not disturb the running process."""
    await ingress.broker.refuse()
    await ingress.accept(3)
    status = await asyncio.to_thread(spool_command, tmp_path, topology, "status")
    export = await asyncio.to_thread(spool_command, tmp_path, topology, "export")
    await ingress.accept(1)

    assert (status.returncode, export.returncode) == (0, 0), status.stderr + export.stderr
    [row] = [line for line in status.stdout.splitlines() if "spool-0.sqlite" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")][:3] == ["spool-0.sqlite", "running", "3"]
    exported = [document_from_json(line.encode()) for line in export.stdout.splitlines()]
    assert [str(number) for number in range(3)] == [
        document_from_json(str(envelope["body"]).encode())["Content"] for envelope in exported
    ]
    assert ingress.spool.rows == 4
