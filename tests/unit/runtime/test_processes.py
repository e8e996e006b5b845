"""Supervision of real processes, see `tests.support.supervised`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from wxbus.errors import ConfigurationError
from wxbus.runtime.processes import port_for_process
from wxbus_local.processes.tree import end, wait_ended

ROOT = Path(__file__).parents[3]
END = 20.0
"""Seconds in which processes must have ended."""


class Supervised:
    """The parent process and the output of its children."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pids: dict[int, int] = {}
        """The last started process of each number."""

    async def until(self, event: str, times: int = 2) -> None:
        """Return after `times` lines with the event."""
        assert self.process.stdout
        while times:
            line = (await self.process.stdout.readline()).decode()
            assert line, "it has ended"
            printed, number, pid = line.split()
            if printed == "started":
                self.pids[int(number)] = int(pid)
            times -= printed == event

    def children(self) -> list[psutil.Process]:
        """Return the last started processes."""
        return [psutil.Process(pid) for pid in self.pids.values()]

    async def end(self) -> tuple[int, str, str]:
        """Return the exit code and the remaining output."""
        output, errors = await self.process.communicate()
        return self.process.returncode or 0, output.decode(), errors.decode()


@asynccontextmanager
async def running(kind: str, *, grace: float = END) -> AsyncIterator[Supervised]:
    """Yield a parent that has just started; kill it and its children afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.supervised", kind, str(grace)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    supervised = Supervised(process)
    try:
        yield supervised
    finally:
        left = [child for child in psutil.process_iter() if child.pid in supervised.pids.values()]
        if process.returncode is None:
            process.kill()
            await process.communicate()
        end(left, grace=0)


async def test_a_killed_process_is_restarted_and_all_stop_gracefully() -> None:
    """The other process is not affected; SIGTERM stops both."""
    async with running("normal") as supervised:
        await supervised.until("started")
        first = dict(supervised.pids)
        os.kill(first[0], signal.SIGKILL)
        await supervised.until("started", 1)
        assert supervised.pids[0] != first[0]
        assert supervised.pids[1] == first[1]
        supervised.process.terminate()
        code, output, errors = await supervised.end()

    assert code == 0
    assert output.count("stopped") == 2
    assert errors.count("process.ended") == 1
    assert "Traceback" not in errors


async def test_a_crashing_process_is_restarted_with_backoff() -> None:
    """A process that crashes is restarted after growing delays; SIGTERM ends the waiting."""
    delays: list[float] = []
    async with running("crashing") as supervised:
        assert supervised.process.stderr
        while len(delays) < 2:
            line = json.loads(await supervised.process.stderr.readline())
            if line["process"] == 0:
                assert (line["event"], line["code"]) == ("process.ended", 3)
                delays.append(line["restart_in"])
        supervised.process.terminate()
        code, _, _ = await supervised.end()

    assert 0.1 <= delays[0] <= 0.2 <= delays[1] <= 0.4
    assert code == 0


async def test_a_settings_error_is_reported_once() -> None:
    """It ends all processes with the reason, without a restart."""
    async with running("misconfigured") as supervised:
        code, _, errors = await supervised.end()

    assert (code, errors) == (1, "WXBUS_SOMETHING: missing\n")


@pytest.mark.parametrize(("kind", "grace"), [("normal", END), ("stuck", 0.5)])
async def test_children_end_when_the_parent_is_killed(kind: str, grace: float) -> None:
    """They stop within the grace period, also one with a blocked loop."""
    async with running(kind, grace=grace) as supervised:
        await supervised.until("started")
        children = supervised.children()
        supervised.process.kill()
        _, output, _ = await supervised.end()

    assert await asyncio.to_thread(wait_ended, children, timeout=END) == []
    assert output.count("stopped") == (2 if kind == "normal" else 0)


async def test_a_process_that_does_not_stop_is_killed() -> None:
    """After the grace period; the parent logs it and exits normally."""
    async with running("stuck", grace=0.2) as supervised:
        await supervised.until("started")
        children = supervised.children()
        supervised.process.terminate()
        code, _, errors = await supervised.end()

    assert code == 0
    assert errors.count("process.killed") == 2
    assert wait_ended(children, timeout=END) == []


async def test_a_second_signal_kills_all_processes() -> None:
    """Also slow and frozen ones; the second signal may be another one."""
    async with running("slow", grace=60) as supervised:
        await supervised.until("started")
        children = supervised.children()
        supervised.process.terminate()
        await supervised.until("stopping")
        children[0].suspend()
        supervised.process.send_signal(signal.SIGINT)
        code, output, _ = await supervised.end()

    assert code == -signal.SIGINT
    assert "stopped" not in output
    assert wait_ended(children, timeout=END) == []


def test_each_process_has_its_own_port() -> None:
    """Counted from the setting; 0 stays a free port; over 65535 is an error."""
    assert [port_for_process(9082, number) for number in range(3)] == [9082, 9083, 9084]
    assert port_for_process(0, 3) == 0
    with pytest.raises(ConfigurationError, match="port 65535 \\+ 1 of process 1 is over 65535"):
        port_for_process(65535, 1)
