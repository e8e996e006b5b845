"""Several processes behind one port: each with its spool, all of them there, none left behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.integration.ingress.conftest import ACCOUNTS_FILE, send
from tests.support.proxy import Proxy
from tests.support.pushes import a_push, a_text
from tests.support.queues import read_inbox
from wxbus.bus.topology import Topology
from wxbus.wechat.documents.codec import document_from_json
from wxbus_ingress.publishing.orphaned_spools import find_orphaned
from wxbus_local.processes.tree import end, wait_ended

pytestmark = pytest.mark.integration

SUCCESS = (200, "success")


class Ingress:
    """A running `python -m wxbus_ingress --processes N`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0
        self.admin_port = 0

    @property
    def url(self) -> str:
        """The callback address."""
        return f"http://127.0.0.1:{self.port}/wechat/shop"

    async def until_listening(self, count: int) -> None:
        """Return once so many further processes listen."""
        for told in await self.until_told("ingress.listening", count):
            self.port, self.admin_port = told["port"], told["admin_port"]

    async def until_told(self, event: str, count: int) -> list[dict[str, Any]]:
        """Return so many further log lines of an event."""
        assert self.process.stderr
        found: list[dict[str, Any]] = []
        while len(found) < count:
            line = await self.process.stderr.readline()
            assert line, "it has ended"
            told = json.loads(line)
            if told["event"] == event:
                found.append(told)
        return found

    async def until_all_told(self, event: str, processes: int) -> None:
        """Return once each of so many processes has told an event; one may tell it twice, being told and looking."""
        missing = set(range(processes))
        while missing:
            missing -= {told["process"] for told in await self.until_told(event, 1)}

    def children(self) -> list[psutil.Process]:
        """The processes that take callbacks."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    async def rest(self) -> str:
        """What it says until its end."""
        return (await self.process.communicate())[1].decode()


@pytest.fixture
def environment(topology: Topology, accounts_file: Path, proxy: tuple[Proxy, str], tmp_path: Path) -> Mapping[str, str]:
    """Variables of an ingress whose broker is behind the proxy."""
    return {
        **os.environ,
        "WXBUS_AMQP_URL": proxy[1],
        "WXBUS_NAMESPACE": topology.namespace,
        "WXBUS_PARTITIONS": str(topology.partitions),
        "WXBUS_ACCOUNTS_FILE": str(accounts_file),
        "WXBUS_INGRESS_HOST": "127.0.0.1",
        "WXBUS_INGRESS_PORT": "0",
        "WXBUS_INGRESS_ADMIN_PORT": "0",
        "WXBUS_INGRESS_BROKER_BUDGET": "0.3",
        "WXBUS_INGRESS_SPOOL_DIR": str(tmp_path / "spool"),
    }


@asynccontextmanager
async def running(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Ingress]:
    """Yield an ingress just started; nothing of it is left afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wxbus_ingress", *arguments, env=environment, stderr=asyncio.subprocess.PIPE
    )
    ingress = Ingress(process)
    tree: list[psutil.Process] = []
    try:
        yield ingress
    finally:
        if process.returncode is None:
            with suppress(psutil.NoSuchProcess):
                tree = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            await ingress.rest()
        end(tree, grace=0)


async def until_arrived(count: int, amqp_url: str, topology: Topology) -> None:
    """Return once callbacks with so many different contents are in their queues, directly or over a spool."""
    found: set[str] = set()
    while len(found) < count:
        documents = [document_from_json(envelope.body) for envelope in await read_inbox(amqp_url, topology)]
        found |= {str(document["Content"]) for document in documents}


async def test_all_take_callbacks_and_all_stop(
    environment: Mapping[str, str], http: aiohttp.ClientSession, amqp_url: str, topology: Topology
) -> None:
    """Each callback is in its queue whichever process took it; SIGTERM ends all of them in good order."""
    async with running(environment, "--processes", "3") as ingress:
        await ingress.until_listening(3)
        children = ingress.children()
        assert len(children) == 3
        pushes = [a_push(a_text(str(number), openid=f"o_{number}")) for number in range(30)]
        assert {SUCCESS} == set(await asyncio.gather(*(send(http, ingress.url, push) for push in pushes)))
        await until_arrived(30, amqp_url, topology)
        ingress.process.terminate()
        said = await ingress.rest()

    assert ingress.process.returncode == 0
    assert said.count("ingress.stopped") == 3
    assert "Traceback" not in said
    assert wait_ended(children, timeout=20) == []


async def test_one_that_is_killed_is_started_again(environment: Mapping[str, str], http: aiohttp.ClientSession) -> None:
    """Kill -9 of one process costs what was in its hands; the port stays open and the process comes back."""
    async with running(environment, "--processes", "2") as ingress:
        await ingress.until_listening(2)
        victim = ingress.children()[0]
        victim.kill()
        await ingress.until_listening(1)

        assert len(ingress.children()) == 2
        assert await send(http, ingress.url, a_push()) == SUCCESS


def rewrite(file: Path, text: str) -> None:
    """Write what a file says from now on."""
    file.write_text(text, encoding="utf-8")


async def test_all_read_the_accounts_file_again(
    environment: Mapping[str, str], http: aiohttp.ClientSession, accounts_file: Path
) -> None:
    """SIGHUP reaches every process; a file that is broken is told at once and changes nothing in any of them."""
    async with running(environment, "--processes", "2") as ingress:
        await ingress.until_listening(2)
        rewrite(accounts_file, ACCOUNTS_FILE.replace("accounts.shop", "accounts.shed"))
        ingress.process.send_signal(signal.SIGHUP)
        await ingress.until_all_told("config_file.reloaded", 2)
        url = ingress.url.replace("shop", "shed")
        assert {SUCCESS} == {await send(http, url, a_push()) for _ in range(10)}

        rewrite(accounts_file, "[accounts.shed")
        ingress.process.send_signal(signal.SIGHUP)
        await ingress.until_all_told("config_file.reload_refused", 2)
        assert {SUCCESS} == {await send(http, url, a_push()) for _ in range(10)}
        async with http.get(f"http://127.0.0.1:{ingress.admin_port}/readyz") as answer:
            assert answer.status == 200
            assert str(accounts_file) in (await answer.json())["parts"]["accounts"]


async def test_no_process_outlives_the_parent(environment: Mapping[str, str]) -> None:
    """When the parent is killed its processes notice and stop: no orphan holds the port or a spool."""
    async with running(environment, "--processes", "2") as ingress:
        await ingress.until_listening(2)
        children = ingress.children()
        ingress.process.kill()
        said = await ingress.rest()

    assert wait_ended(children, timeout=20) == []
    assert said.count("ingress.stopped") == 2


async def test_wrong_settings_end_all_of_them(environment: Mapping[str, str]) -> None:
    """What a process cannot start with is said, and not tried again for ever."""
    async with running({**environment, "WXBUS_ACCOUNTS_FILE": "/nowhere"}, "--processes", "2") as ingress:
        said = await ingress.rest()

    assert ingress.process.returncode == 2
    assert "accounts file /nowhere: " in said
    assert "Traceback" not in said


async def test_what_fewer_processes_leave_is_drained_by_the_first(
    environment: Mapping[str, str],
    http: aiohttp.ClientSession,
    proxy: tuple[Proxy, str],
    amqp_url: str,
    topology: Topology,
) -> None:
    """Spools of processes that are no more do not stay behind with callbacks that were acknowledged."""
    broker, _ = proxy
    await broker.refuse()
    async with running(environment, "--processes", "4") as ingress:
        await ingress.until_listening(4)
        pushes = [a_push(a_text(str(number), openid=f"o_{number}")) for number in range(40)]
        assert {SUCCESS} == set(await asyncio.gather(*(send(http, ingress.url, push) for push in pushes)))
        ingress.process.send_signal(signal.SIGTERM)
        await ingress.rest()
    await broker.listen()
    folder = Path(environment["WXBUS_INGRESS_SPOOL_DIR"]) / topology.namespace
    assert len(find_orphaned(folder, processes=1)) == 3
    async with running(environment) as ingress:
        await ingress.until_listening(1)
        await until_arrived(40, amqp_url, topology)
