"""Ingress with a real RabbitMQ and no spool: "success" means that the callback is in its queue."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.integration.ingress.conftest import queued, send
from tests.support.proxy import Proxy
from tests.support.pushes import APPID, a_push, a_text
from wxbus.accounts.accounts import Accounts
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.runtime.sockets import listening_socket
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import Format, document_from_json
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits

pytestmark = pytest.mark.integration

UNAVAILABLE = (503, "not accepted: the message queue is unavailable, please send it again\n")


@pytest.fixture
def budget() -> float:
    """Seconds for each callback; without a confirm a callback takes all of them."""
    return 1.0


LONG_BUDGET, USED_UP_BUDGET = (pytest.mark.parametrize("budget", [seconds]) for seconds in (30.0, 5.0))
"""For tests that need a confirm from a busy RabbitMQ, and for one that also waits for the end of a budget."""


@pytest.fixture
async def callback_url(
    proxy: tuple[Proxy, str], topology: Topology, accounts_file: Path, budget: float
) -> AsyncIterator[str]:
    """The callback address of an ingress whose broker is behind the proxy."""
    _, url = proxy
    accounts = Accounts.read(accounts_file)
    async with Publisher.open(url, topology, name=topology.namespace) as publisher:
        await publisher.until_usable()
        app = build_app(Limits(budget=budget), accounts, publisher, registry=CollectorRegistry())
        async with serving(app, listening_socket("127.0.0.1", 0), grace=2) as port:
            yield f"http://127.0.0.1:{port}/wechat/shop"


@LONG_BUDGET
async def test_accepted_callbacks_are_in_their_queue(
    http: aiohttp.ClientSession, callback_url: str, amqp_url: str, topology: Topology
) -> None:
    """Pushes of every mode and format are in the partition of their user, in the order of the answers."""
    ways = [(mode, form) for mode in Mode for form in Format]
    for number, (mode, form) in enumerate(ways):
        push = a_push(a_text(f"message {number}", msg_id=str(number)), mode=mode, format=form, nonce=str(number))
        assert await send(http, callback_url, push) == (200, "success")

    sink = await queued(amqp_url, topology, len(ways))
    contents = [document_from_json(delivery.envelope().body)["Content"] for delivery in sink.deliveries]
    assert [f"message {number}" for number in range(len(ways))] == contents
    assert {topology.partition_of(f"{APPID}:o_user")} == {delivery.partition for delivery in sink.deliveries}


async def test_without_the_broker_the_answer_is_in_time_and_not_success(
    http: aiohttp.ClientSession, callback_url: str, proxy: tuple[Proxy, str]
) -> None:
    """During an outage every callback gets 503 within its budget; afterwards callbacks are accepted."""
    connection, _ = proxy
    await connection.refuse()

    assert await send(http, callback_url, a_push()) == UNAVAILABLE
    assert await send(http, callback_url, a_push()) == UNAVAILABLE
    await connection.listen()
    while (answer := await send(http, callback_url, a_push())) == UNAVAILABLE:
        pass  # each takes its budget while the publisher connects
    assert answer == (200, "success")


async def test_a_silent_broker_is_not_success(
    http: aiohttp.ClientSession, callback_url: str, proxy: tuple[Proxy, str]
) -> None:
    """A broker that does not answer has the same result, for concurrent callbacks too."""
    connection, _ = proxy
    connection.blackhole()

    answers = await asyncio.gather(*(send(http, callback_url, a_push(a_text(openid=f"o{n}"))) for n in range(80)))

    assert {UNAVAILABLE} == set(answers)


@USED_UP_BUDGET
async def test_a_missing_confirm_is_not_success(
    http: aiohttp.ClientSession, callback_url: str, proxy: tuple[Proxy, str], amqp_url: str, topology: Topology
) -> None:
    """A callback that arrived without a confirm is refused; WeChat's retry has the same `dedup_id`."""
    connection, _ = proxy
    connection.hold_answers()
    assert await send(http, callback_url, a_push()) == UNAVAILABLE
    connection.flow()
    assert await send(http, callback_url, a_push()) == (200, "success")

    sink = await queued(amqp_url, topology, 2)
    unconfirmed, retried = (delivery.envelope() for delivery in sink.deliveries)
    assert unconfirmed.dedup_id == retried.dedup_id
    assert unconfirmed.id != retried.id


async def test_the_process_serves_and_stops(
    http: aiohttp.ClientSession, topology: Topology, accounts_file: Path, amqp_url: str, tmp_path: Path
) -> None:
    """`python -m wxbus_ingress` answers, is ready, counts, and exits with 0 after SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wxbus_ingress",
        env={
            **os.environ,
            "WXBUS_AMQP_URL": amqp_url,
            "WXBUS_NAMESPACE": topology.namespace,
            "WXBUS_PARTITIONS": str(topology.partitions),
            "WXBUS_ACCOUNTS_FILE": str(accounts_file),
            "WXBUS_INGRESS_HOST": "127.0.0.1",
            "WXBUS_INGRESS_PORT": "0",
            "WXBUS_INGRESS_ADMIN_PORT": "0",
            "WXBUS_INGRESS_SPOOL_DIR": str(tmp_path / "spool"),
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr
        line: dict[str, object] = {}
        while line.get("event") != "ingress.listening":
            line = json.loads(await process.stderr.readline())
        url, admin = f"http://127.0.0.1:{line['port']}/wechat/shop", f"http://127.0.0.1:{line['admin_port']}"
        assert await send(http, url, a_push()) == (200, "success")
        readiness: dict[str, object] = {}
        all_ready = {"ready": True, "parts": dict.fromkeys(("callbacks", "rabbitmq", "spool", "accounts"), "ready")}
        while readiness != all_ready:  # with its spool it is ready before it is connected to RabbitMQ
            async with http.get(f"{admin}/readyz") as answer:
                readiness = await answer.json()
        async with http.get(f"{admin}/metrics") as answer:
            assert 'wxbus_ingress_requests_total{account="shop",outcome="accepted"} 1.0' in await answer.text()
    finally:
        process.send_signal(signal.SIGTERM)
        rest = (await process.communicate())[1].decode()

    assert process.returncode == 0
    assert "ingress.stopped" in rest
    assert "Traceback" not in rest
