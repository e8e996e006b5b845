"""How ingress starts and stops."""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.support.metrics import until_metric
from tests.support.pushes import a_push
from tests.unit.ingress.conftest import ACCOUNTS
from wxbus.bus.envelope import Envelope
from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus.runtime.sockets import listening_socket
from wxbus.testing import MemoryPublisher
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.server import serve
from wxbus_ingress.settings import IngressSettings, Limits


class SlowPublisher(MemoryPublisher):
    """A publisher whose confirm waits for `confirm`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.confirm = asyncio.Event()

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Wait for `confirm`."""
        self.asked.set()
        await self.confirm.wait()
        await super().publish(envelope, budget=budget)


async def until_refused(port: int) -> None:
    """Return once the port is closed; or after a while, because another process may have got its number then."""
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(2):
            while True:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()


async def test_a_request_in_flight_is_answered_before_the_stop() -> None:
    """A stop closes the port and waits for the answer."""
    publisher = SlowPublisher()
    app = build_app(Limits(), ACCOUNTS, publisher, registry=CollectorRegistry())
    push = a_push()
    ended = asyncio.Event()

    async def run(started: "asyncio.Future[int]") -> None:
        async with serving(app, listening_socket("127.0.0.1", 0), grace=30) as port:
            started.set_result(port)
            await publisher.asked.wait()
        ended.set()

    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as http:
        group.create_task(run(started))
        url = f"http://127.0.0.1:{await started}/wechat/any"
        answering = asyncio.ensure_future(http.post(url, params=push.query, data=push.body))
        await publisher.asked.wait()
        await until_refused(started.result())
        assert not ended.is_set()
        publisher.confirm.set()
        async with await answering as answer:
            assert (answer.status, await answer.text()) == (200, "success")


async def test_a_body_in_transit_is_read_before_the_stop() -> None:
    """A stop in the middle of a body waits for the rest, and the callback is accepted."""
    publisher, push, stop, registry = MemoryPublisher(), a_push(), asyncio.Event(), CollectorRegistry()
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        app = build_app(Limits(body_timeout=30, budget=30), ACCOUNTS, publisher, registry=registry)
        async with serving(app, listening_socket("127.0.0.1", 0), grace=30) as port:
            started.set_result(port)
            await stop.wait()

    running = asyncio.create_task(run())
    reader, writer = await asyncio.open_connection("127.0.0.1", await started)
    head = f"POST /wechat/any?{urlencode(push.query)} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(push.body)}\r\n\r\n"
    writer.write(head.encode() + push.body[:50])
    await until_metric(registry, "wxbus_ingress_body_bytes", len(push.body))
    stop.set()
    await until_refused(started.result())
    writer.write(push.body[50:])
    answer = await reader.read()
    writer.close()
    await running

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"success")
    assert len(publisher.published) == 1


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables of an ingress that can start."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[accounts.shop]\nappid = "wx1"\nkind = "official_account"\n', encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("WXBUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WXBUS_ACCOUNTS_FILE", str(accounts))
    monkeypatch.setenv("WXBUS_AMQP_URL", "amqp://user:hunter2@127.0.0.1:1/")
    monkeypatch.setenv("WXBUS_INGRESS_HOST", "127.0.0.1")
    monkeypatch.setenv("WXBUS_INGRESS_PORT", "0")
    monkeypatch.setenv("WXBUS_INGRESS_ADMIN_PORT", "0")
    monkeypatch.setenv("WXBUS_INGRESS_SPOOL_DIR", str(tmp_path / "spool"))


async def test_an_unusable_spool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a spool ingress does not start."""
    monkeypatch.setenv("WXBUS_INGRESS_SPOOL_DIR", os.devnull)

    with pytest.raises(ConfigurationError, match=f"the spool {os.devnull}/wxbus/spool-0.sqlite cannot be used"):
        await serve(load(IngressSettings), registry=CollectorRegistry())


async def test_a_port_in_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is in use ends the start with an error that names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("WXBUS_INGRESS_PORT", str(port))

        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            await serve(load(IngressSettings), registry=CollectorRegistry())


def test_the_settings_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the broker's address and the accounts file are required; health and metrics are not public."""
    for name in ("HOST", "PORT", "ADMIN_PORT"):
        monkeypatch.delenv(f"WXBUS_INGRESS_{name}")

    settings = load(IngressSettings)

    assert ip_address(settings.admin_host).is_loopback
    assert ip_address(settings.host).is_unspecified
    assert (settings.port, settings.admin_port) == (8080, 9080)
    assert (
        settings.limits.body_limit,
        settings.limits.body_timeout,
        settings.limits.budget,
        settings.limits.max_age,
    ) == (1024 * 1024, 3.0, 4.5, 600.0)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("WXBUS_INGRESS_PORT", "http", "WXBUS_INGRESS_PORT: "),
        ("WXBUS_INGRESS_BUDGET", "-1", "WXBUS_INGRESS_BUDGET: "),
        ("WXBUS_ACCOUNTS_FILE", "/nowhere/accounts.toml", "accounts file /nowhere/accounts.toml: "),
    ],
)
async def test_an_invalid_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    """The error names the variable or the file."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=named):
        await serve(load(IngressSettings), registry=CollectorRegistry())


def test_an_invalid_setting_ends_the_process_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process exits with 2 and prints the error, without a traceback and without the value."""
    monkeypatch.setenv("WXBUS_AMQP_URL", "http://user:hunter2@host/")

    ended = subprocess.run(
        [sys.executable, "-m", "wxbus_ingress"], capture_output=True, text=True, timeout=120, check=False
    )

    assert ended.returncode == 2
    assert "must look like amqp://" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
