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
MEMBERS = 24
"""Fewer than one partition's messages that a worker is given at once; more threads than Python makes on a few cores."""
MEETING = f"""
import logging
import threading
from wxbus_worker import MessageHandler

everybody = threading.Barrier({MEMBERS})

class Meeting(MessageHandler):
    def on_text(self, log: logging.Logger) -> None:
        if everybody.wait(timeout=100) == 0:
            log.warning("all are here")
"""
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
    """Start a worker with arguments and these variables; one that a test leaves behind is killed."""
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


async def until_said(process: asyncio.subprocess.Process, text: str) -> str:
    """Return the line of the log that has `text`."""
    assert process.stderr
    said = []
    while line := (await process.stderr.readline()).decode():
        said.append(line)
        if text in line:
            return line
    raise AssertionError("it ended: " + "".join(said))


@pytest.fixture
def variables(amqp_url: str, redis_url: str, topology: Topology, tmp_path: Path) -> dict[str, str]:
    """What a worker needs."""
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_good_order(
    a_process: Start, variables: dict[str, str], number: signal.Signals
) -> None:
    """It says so, and its exit code is 0: a supervisor sees no failure."""
    process = await a_process("--app", "demo_bot.handlers:router", "--app-dir", str(DEPLOY), **variables)
    await until_said(process, "consumer.subscribed")
    process.send_signal(number)
    await until_said(process, "worker.stopped")
    assert await process.wait() == 0


async def test_what_is_wrong_is_said_in_plain_words(a_process: Start, variables: dict[str, str]) -> None:
    """Exit code 2 and a line for each mistake, no traceback; several processes say it once."""
    variables["WORKER_APP"] = "no_such_bot:router"
    del variables["WORKER_TOKEN_API_KEY"]
    for arguments, expected in (
        ((), "WXBUS_WORKER_TOKEN_API_KEY: is not set"),
        (("--processes", "2"), "module no_such_bot is neither in"),
    ):
        process = await a_process(*arguments, **variables)
        _, said = await process.communicate()
        assert process.returncode == 2
        assert said.decode().count(expected) == 1
        assert "Traceback" not in said.decode()
        variables["WORKER_TOKEN_API_KEY"] = "the-key"


async def test_several_processes_are_several_workers(a_process: Start, variables: dict[str, str]) -> None:
    """Each is a member with partitions of its own, and has an admin port; SIGTERM ends all in good order."""
    free = free_port(count=2)
    variables["WORKER_ADMIN_PORT"] = str(free)
    process = await a_process(
        "--app", "demo_bot.handlers:router", "--app-dir", str(DEPLOY), "--processes", "2", **variables
    )
    ports = {json.loads(await until_said(process, "worker.started"))["admin_port"] for _ in range(2)}
    assert ports == {free, free + 1}
    await until_said(process, '"members": 2')
    process.send_signal(signal.SIGTERM)
    for _ in range(2):
        await until_said(process, "worker.stopped")
    assert await process.wait() == 0


async def test_plain_methods_run_side_by_side(
    a_process: Start, variables: dict[str, str], tmp_path: Path, amqp_url: str, topology: Topology
) -> None:
    """As many as messages may be worked on at once: each of these waits in its thread until all of them are there."""
    (tmp_path / "mybot.py").write_text(MEETING)
    variables["WORKER_HANDLER_TIMEOUT"] = "120"
    process = await a_process("--app", "mybot:Meeting", "--app-dir", str(tmp_path), **variables)
    await until_said(process, "consumer.subscribed")
    async with Publisher.open(amqp_url, topology, name="users") as publisher:
        for openid in (f"o_{number}" for number in range(MEMBERS)):
            await publisher.publish(a_text_envelope(openid=openid, lane=f"wx1:{openid}"), budget=10)
    await until_said(process, "all are here")
    process.send_signal(signal.SIGTERM)
    await until_said(process, "worker.stopped")
    assert await process.wait() == 0


async def test_a_plain_method_that_never_ends_does_not_keep_the_process(
    a_process: Start, variables: dict[str, str], tmp_path: Path, amqp_url: str, topology: Topology
) -> None:
    """Nothing can stop its thread; when the grace is over the process ends all the same, in good order."""
    (tmp_path / "mybot.py").write_text(WAITING)
    variables["WORKER_GRACE"] = "0.2"
    process = await a_process("--app", "mybot:Waiting", "--app-dir", str(tmp_path), **variables)
    await until_said(process, "consumer.subscribed")
    async with Publisher.open(amqp_url, topology, name="users") as publisher:
        await publisher.publish(a_text_envelope(), budget=10)
    await until_said(process, "waiting")
    process.send_signal(signal.SIGTERM)
    await until_said(process, "worker.grace_period_exceeded")
    await until_said(process, "worker.stopped")
    assert await process.wait() == 0


async def test_reloading_runs_what_is_written(a_process: Start, variables: dict[str, str], tmp_path: Path) -> None:
    """A change starts the handlers anew; what is wrong with them is told, and the next change waited for."""
    package = tmp_path / "mybot"
    package.mkdir()
    (package / "__init__.py").touch()
    handlers = package / "handlers.py"
    one = "@router.text\nasync def first() -> None: ...\n"
    handlers.write_text(f"from wxbus_worker import Router\nrouter = Router()\n{one}")
    process = await a_process("--app", "mybot.handlers:router", "--app-dir", str(tmp_path), "--reload", **variables)
    assert json.loads(await until_said(process, "worker.started"))["handlers"] == 1

    handlers.write_text("def\n")
    await until_said(process, "worker.stopped")
    await until_said(process, "importing mybot.handlers failed: SyntaxError")
    await until_said(process, "worker.waiting_for_change")

    handlers.write_text(f"from wxbus_worker import Router\nrouter = Router()\n{one}{one.replace('first', 'second')}")
    assert json.loads(await until_said(process, "worker.started"))["handlers"] == 2
    process.send_signal(signal.SIGTERM)
    await until_said(process, "worker.stopped")
    assert await process.wait() == 0
