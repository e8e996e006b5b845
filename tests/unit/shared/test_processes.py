"""Several processes of one service, with real ones: see `tests.support.supervised`."""

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
"""Seconds in which whatever is to end must have ended."""


class Supervised:
    """The parent and what its children say."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pids: dict[int, int] = {}
        """Of each number the last that has started."""

    async def until(self, what: str, times: int = 2) -> None:
        """Return once that was said so often."""
        assert self.process.stdout
        while times:
            line = (await self.process.stdout.readline()).decode()
            assert line, "it has ended"
            said, number, pid = line.split()
            if said == "started":
                self.pids[int(number)] = int(pid)
            times -= said == what

    def children(self) -> list[psutil.Process]:
        """Return the processes that have started last."""
        return [psutil.Process(pid) for pid in self.pids.values()]

    async def end(self) -> tuple[int, str, str]:
        """Return exit code and the rest of what was said."""
        said, errors = await self.process.communicate()
        return self.process.returncode or 0, said.decode(), errors.decode()


@asynccontextmanager
async def running(kind: str, *, grace: float = END) -> AsyncIterator[Supervised]:
    """Yield a parent just started; nothing is left of it afterwards."""
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


async def test_each_is_started_again_and_all_stop_in_good_order() -> None:
    """One that is killed comes back, the other one is left alone; SIGTERM lets both end by themselves."""
    async with running("patient") as supervised:
        await supervised.until("started")
        first = dict(supervised.pids)
        os.kill(first[0], signal.SIGKILL)
        await supervised.until("started", 1)
        assert supervised.pids[0] != first[0]
        assert supervised.pids[1] == first[1]
        supervised.process.terminate()
        code, said, errors = await supervised.end()

    assert code == 0
    assert said.count("stopped") == 2
    assert errors.count("process.ended") == 1
    assert "Traceback" not in errors


async def test_one_that_does_not_start_is_tried_less_and_less_often() -> None:
    """It may be what it needs that is away; SIGTERM ends the waiting."""
    delays = []
    async with running("crashing") as supervised:
        assert supervised.process.stderr
        while len(delays) < 3:
            told = json.loads(await supervised.process.stderr.readline())
            if told["process"] == 0:
                assert (told["event"], told["code"]) == ("process.ended", 3)
                delays.append(told["restart_in"])
        supervised.process.terminate()
        code, _, _ = await supervised.end()

    assert 0.1 <= delays[0] <= 0.2 <= delays[1] <= 0.4 <= delays[2] <= 0.8
    assert code == 0


async def test_what_is_wrong_is_told_once() -> None:
    """Settings that no process can start with end all of them, with the reason; it is not tried again."""
    async with running("misconfigured") as supervised:
        code, _, errors = await supervised.end()

    assert (code, errors) == (1, "WXBUS_SOMETHING: missing\n")


@pytest.mark.parametrize(("kind", "grace"), [("patient", END), ("stuck", 0.5)])
async def test_none_outlives_a_parent_that_was_killed(kind: str, grace: float) -> None:
    """They notice and stop, after the time of grace at once: not even one whose loop is busy stays behind."""
    async with running(kind, grace=grace) as supervised:
        await supervised.until("started")
        children = supervised.children()
        supervised.process.kill()
        _, said, _ = await supervised.end()

    assert await asyncio.to_thread(wait_ended, children, timeout=END) == []
    assert said.count("stopped") == (2 if kind == "patient" else 0)


async def test_who_does_not_stop_is_killed() -> None:
    """After the time of grace; the parent says so and ends in good order."""
    async with running("stuck", grace=0.2) as supervised:
        await supervised.until("started")
        children = supervised.children()
        supervised.process.terminate()
        code, _, errors = await supervised.end()

    assert code == 0
    assert errors.count("process.killed") == 2
    assert wait_ended(children, timeout=END) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_all_at_once(number: signal.Signals) -> None:
    """Whoever sends it does not want to wait for what takes its time, or is frozen."""
    async with running("slow", grace=60) as supervised:
        await supervised.until("started")
        children = supervised.children()
        supervised.process.terminate()
        await supervised.until("stopping")
        children[0].suspend()
        supervised.process.send_signal(number)
        code, said, _ = await supervised.end()

    assert code == -number
    assert "stopped" not in said
    assert wait_ended(children, timeout=END) == []


def test_each_process_has_a_port_of_its_own() -> None:
    """Counted up from the one that is set; 0 stays a free one, and there must be so many."""
    assert [port_for_process(9082, number) for number in range(3)] == [9082, 9083, 9084]
    assert port_for_process(0, 3) == 0
    with pytest.raises(ConfigurationError, match="port 65535 \\+ 1 of process 1 is over 65535"):
        port_for_process(65535, 1)
