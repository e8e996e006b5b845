"""The worker as a process: `python -m wxbus_worker`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.worker import a_text_envelope
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_local.servers.ports import free_port

pytestmark = pytest.mark.integration

DEPLOY = Path(__file__).parents[3] / "deploy"
WAITING = """
import logging
import threading
from wxbus_worker import MessageHandler

class Waiting(MessageHandler):
    def on_text(self, log: logging.Logger) -> None:
        log.warning("waiting")
        threading.Event().wait()
"""

Start: TypeAlias = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def a_process() -> AsyncIterator[Start]:
    """Start a worker with arguments and variables; it is killed after the test."""
    started: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
        environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WXBUS_")},
            **{f"WXBUS_{name}": value for name, value in variables.items()},
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "wxbus_worker",
            *arguments,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_logged(process: asyncio.subprocess.Process, text: str) -> str:
    """Return the first log line that contains `text`."""
    assert process.stderr
    printed = []
    while line := (await process.stderr.readline()).decode():
        printed.append(line)
        if text in line:
            return line
    raise AssertionError("it ended: " + "".join(printed))


@pytest.fixture
def variables(amqp_url: str, redis_url: str, topology: Topology, tmp_path: Path) -> dict[str, str]:
    """Return the variables that a worker needs."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[accounts.shop]\nappid = "wx1"\nkind = "official_account"\n')
    return {
        "AMQP_URL": amqp_url,
        "REDIS_URL": redis_url,
        "NAMESPACE": topology.namespace,
        "PARTITIONS": str(topology.partitions),
        "ACCOUNTS_FILE": str(accounts),
        "WORKER_TOKEN_API_KEY": "the-key",
        "WORKER_ADMIN_PORT": "0",
    }


async def test_several_processes_report_a_mistake_once(a_process: Start, variables: dict[str, str]) -> None:
    """The exit code is 2, and there is no traceback."""
    process = await a_process("--app", "no_such_bot:router", "--processes", "2", **variables)
    _, printed = await process.communicate()
    assert process.returncode == 2
    assert printed.decode().count("module no_such_bot is neither in") == 1
    assert "Traceback" not in printed.decode()


async def test_several_processes_are_several_workers(a_process: Start, variables: dict[str, str]) -> None:
    """Each has partitions and an admin port; Ctrl-C stops all gracefully. The other tests send SIGTERM."""
    free = free_port(count=2)
    variables["WORKER_ADMIN_PORT"] = str(free)
    process = await a_process(
        "--app", "demo_bot.handlers:router", "--app-dir", str(DEPLOY), "--processes", "2", **variables
    )
    ports = {json.loads(await until_logged(process, "worker.started"))["admin_port"] for _ in range(2)}
    assert ports == {free, free + 1}
    await until_logged(process, '"members": 2')
    process.send_signal(signal.SIGINT)
    for _ in range(2):
        await until_logged(process, "worker.stopped")
    assert await process.wait() == 0


async def test_a_plain_method_that_never_ends_does_not_block_the_stop(
    a_process: Start, variables: dict[str, str], tmp_path: Path, amqp_url: str, topology: Topology
) -> None:
    """After the grace period the process exits, although the thread is still running."""
    (tmp_path / "mybot.py").write_text(WAITING)
    variables["WORKER_GRACE"] = "0.2"
    process = await a_process("--app", "mybot:Waiting", "--app-dir", str(tmp_path), **variables)
    await until_logged(process, "consumer.subscribed")
    async with Publisher.open(amqp_url, topology, name="users") as publisher:
        await publisher.publish(a_text_envelope(), budget=10)
    await until_logged(process, "waiting")
    process.send_signal(signal.SIGTERM)
    await until_logged(process, "worker.grace_period_exceeded")
    await until_logged(process, "worker.stopped")
    assert await process.wait() == 0


async def test_changed_handlers_are_reloaded(a_process: Start, variables: dict[str, str], tmp_path: Path) -> None:
    """A change restarts the worker; an error is printed, and the next change restarts it again."""
    package = tmp_path / "mybot"
    package.mkdir()
    (package / "__init__.py").touch()
    handlers = package / "handlers.py"
    one = "@router.text\nasync def first() -> None: ...\n"
    handlers.write_text(f"from wxbus_worker import Router\nrouter = Router()\n{one}")
    process = await a_process("--app", "mybot.handlers:router", "--app-dir", str(tmp_path), "--reload", **variables)
    assert json.loads(await until_logged(process, "worker.started"))["handlers"] == 1

    handlers.write_text("def\n")
    await until_logged(process, "worker.stopped")
    await until_logged(process, "importing mybot.handlers failed: SyntaxError")
    await until_logged(process, "reload.waiting_for_change")

    handlers.write_text(f"from wxbus_worker import Router\nrouter = Router()\n{one}{one.replace('first', 'second')}")
    assert json.loads(await until_logged(process, "worker.started"))["handlers"] == 2
    process.send_signal(signal.SIGTERM)
    await until_logged(process, "worker.stopped")
    assert await process.wait() == 0
