"""Several processes of ingress behind one port, each with its spool."""

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from tests.integration.ingress.conftest import ACCOUNTS_FILE, CLIENT_TIMEOUT, send
from tests.support.leftovers import delete_queues
from tests.support.proxy import Proxy, proxied
from tests.support.pushes import a_push, a_text
from tests.support.queues import read_inbox
from wxbus.bus.topology import Topology
from wxbus.wechat.documents.codec import document_from_json
from wxbus_ingress.publishing.orphaned_spools import find_orphaned
from wxbus_local.processes.tree import end, wait_ended

pytestmark = [
    pytest.mark.integration,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("ingress_processes"),
]

SUCCESS = (200, "success")
PROCESSES = 2


class Ingress:
    """A running `python -m wxbus_ingress --processes N`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0
        self.admin_port = 0

    @property
    def url(self) -> str:
        """Return the callback address."""
        return f"http://127.0.0.1:{self.port}/wechat/shop"

    async def until_listening(self, count: int) -> None:
        """Return once `count` more processes listen."""
        for line in await self.read_log("ingress.listening", count):
            self.port, self.admin_port = line["port"], line["admin_port"]

    async def read_log(self, event: str, count: int) -> list[dict[str, Any]]:
        """Return the next `count` log lines of an event."""
        assert self.process.stderr
        found: list[dict[str, Any]] = []
        while len(found) < count:
            line = await self.process.stderr.readline()
            assert line, "the process has ended"
            fields = json.loads(line)
            if fields["event"] == event:
                found.append(fields)
        return found

    async def until_all_logged(self, event: str) -> None:
        """Return once each process has logged an event, once or more."""
        missing = set(range(PROCESSES))
        while missing:
            missing -= {line["process"] for line in await self.read_log(event, 1)}

    def children(self) -> list[psutil.Process]:
        """Return the processes that receive callbacks."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    async def rest(self) -> str:
        """Return the log until the process ends."""
        return (await self.process.communicate())[1].decode()


class Site:
    """A broker behind a proxy, an accounts file, and WeChat's side."""

    def __init__(self, folder: Path, amqp_url: str, proxy: Proxy, proxy_url: str, http: aiohttp.ClientSession) -> None:
        self.amqp_url = amqp_url
        self.broker = proxy
        self.http = http
        self.topology = Topology(f"t{secrets.token_hex(6)}", partitions=4)
        self.accounts_file = folder / "accounts.toml"
        self.accounts_file.write_text(ACCOUNTS_FILE, encoding="utf-8")
        self.spool_folder = folder / "spool"
        self._environment: Mapping[str, str] = {
            **os.environ,
            "WXBUS_AMQP_URL": proxy_url,
            "WXBUS_NAMESPACE": self.topology.namespace,
            "WXBUS_PARTITIONS": str(self.topology.partitions),
            "WXBUS_ACCOUNTS_FILE": str(self.accounts_file),
            "WXBUS_INGRESS_HOST": "127.0.0.1",
            "WXBUS_INGRESS_PORT": "0",
            "WXBUS_INGRESS_ADMIN_PORT": "0",
            "WXBUS_INGRESS_BROKER_BUDGET": "0.3",
            "WXBUS_INGRESS_SPOOL_DIR": str(self.spool_folder),
        }

    @asynccontextmanager
    async def ingress(self, processes: int) -> AsyncIterator[Ingress]:
        """Yield an ingress that listens; the end of the block kills all of its processes."""
        arguments = ("--processes", str(processes)) if processes > 1 else ()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wxbus_ingress", *arguments, env=self._environment, stderr=asyncio.subprocess.PIPE
        )
        ingress = Ingress(process)
        tree: list[psutil.Process] = []
        try:
            await ingress.until_listening(processes)
            yield ingress
        finally:
            if process.returncode is None:
                with suppress(psutil.NoSuchProcess):
                    tree = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                await ingress.rest()
            end(tree, grace=0)

    async def send_all(self, ingress: Ingress, texts: set[str]) -> None:
        """Send callbacks of different users at once; all must be accepted."""
        pushes = [a_push(a_text(text, openid=f"o_{text}")) for text in texts]
        assert {SUCCESS} == set(await asyncio.gather(*(send(self.http, ingress.url, push) for push in pushes)))

    async def until_arrived(self, texts: set[str]) -> None:
        """Return once callbacks with all of `texts` were in their queues."""
        missing = set(texts)
        while missing:
            for envelope in await read_inbox(self.amqp_url, self.topology):
                missing.discard(str(document_from_json(envelope.body)["Content"]))


@asynccontextmanager
async def open_site(amqp_url: str, folder: Path) -> AsyncIterator[Site]:
    """Yield a site, and delete its queues."""
    timeout = aiohttp.ClientTimeout(total=CLIENT_TIMEOUT)
    async with proxied(amqp_url) as (proxy, url), aiohttp.ClientSession(timeout=timeout) as http:
        site = Site(folder, amqp_url, proxy, url, http)
        yield site
        await delete_queues(amqp_url, site.topology)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(amqp_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The site of the tests that leave ingress running."""
    async with open_site(amqp_url, tmp_path_factory.mktemp("processes")) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(site: Site) -> AsyncIterator[Ingress]:
    """One ingress of several processes."""
    async with site.ingress(PROCESSES) as ingress:
        yield ingress


async def test_all_processes_receive_callbacks(site: Site, ingress: Ingress) -> None:
    """A callback is in its queue, whichever process received it."""
    assert len(ingress.children()) == PROCESSES
    texts = {f"all {number}" for number in range(30)}
    await site.send_all(ingress, texts)
    await site.until_arrived(texts)


async def test_a_killed_process_is_restarted(site: Site, ingress: Ingress) -> None:
    """After kill -9 of one process the port stays open, and the process comes back."""
    ingress.children()[0].kill()
    await ingress.until_listening(1)

    assert len(ingress.children()) == PROCESSES
    assert await send(site.http, ingress.url, a_push()) == SUCCESS


async def test_all_processes_reload_the_accounts_file(site: Site, ingress: Ingress) -> None:
    """SIGHUP reaches every process; an invalid file is logged, shown in readiness, and changes nothing."""
    site.accounts_file.write_text(ACCOUNTS_FILE.replace("accounts.shop", "accounts.shed"), encoding="utf-8")
    ingress.process.send_signal(signal.SIGHUP)
    await ingress.until_all_logged("config_file.reloaded")
    url = ingress.url.replace("shop", "shed")
    assert {SUCCESS} == {await send(site.http, url, a_push()) for _ in range(10)}

    site.accounts_file.write_text("[accounts.shed", encoding="utf-8")
    ingress.process.send_signal(signal.SIGHUP)
    await ingress.until_all_logged("config_file.reload_refused")
    assert {SUCCESS} == {await send(site.http, url, a_push()) for _ in range(10)}
    async with site.http.get(f"http://127.0.0.1:{ingress.admin_port}/readyz") as answer:
        assert answer.status == 200
        assert str(site.accounts_file) in (await answer.json())["parts"]["accounts"]


async def test_the_first_process_drains_orphaned_spools(amqp_url: str, tmp_path: Path) -> None:
    """SIGTERM stops all processes; started with fewer, ingress publishes the callbacks in the other spools, too."""
    texts = {f"orphan {number}" for number in range(40)}
    async with open_site(amqp_url, tmp_path) as site:
        await site.broker.refuse()
        async with site.ingress(PROCESSES) as ingress:
            children = ingress.children()
            await site.send_all(ingress, texts)
            ingress.process.terminate()
            log = await ingress.rest()
            assert (ingress.process.returncode, log.count("ingress.stopped")) == (0, PROCESSES)
            assert "Traceback" not in log
            assert wait_ended(children, timeout=20) == []
        await site.broker.listen()
        assert len(find_orphaned(site.spool_folder / site.topology.namespace, processes=1)) == PROCESSES - 1
        async with site.ingress(1):
            await site.until_arrived(texts)
