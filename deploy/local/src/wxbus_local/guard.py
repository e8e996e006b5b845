"""Ends every process and container of a run, however the run ended: by itself, by Ctrl-C, by kill -9.

All processes that we start carry the run's id in their environment, and so do their children. A guard process of our
own waits for the runner's end and then ends whatever still carries it. It has a session of its own, so that Ctrl-C
does not reach it.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from math import inf
from types import FrameType
from typing import IO, NoReturn, cast

import psutil

MARK = "WXBUS_RUN"
"""The environment variable (and label of containers) that holds the run's id."""

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

POLL = 0.05

HAS_CONTAINERS = b"c"
"""What the guard reads if it has to ask a Docker engine too, which takes a moment."""

ROUNDS = 5
"""How often to look again for processes that came while others were being ended."""


class Run:
    """One run of `make run`, `make demo` or the tests, guarded against leaving anything behind."""

    def __init__(self, guard: "subprocess.Popen[bytes]", run_id: str) -> None:
        self.id = run_id
        self.guard = guard

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator["Run"]:
        """Yield a run; at its end, orderly or not, nothing that carries its mark is left."""
        run_id = secrets.token_hex(8)
        command = [sys.executable, "-m", __name__, run_id, str(os.getpid())]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as guard:
            cast("IO[bytes]", guard.stdout).readline()  # it watches from now on
            try:
                yield cls(guard, run_id)
            finally:
                guard.terminate()
                guard.wait()

    def has_containers(self) -> None:
        """Tell the guard that there are containers to look for as well."""
        stdin = cast("IO[bytes]", self.guard.stdin)
        stdin.write(HAS_CONTAINERS)
        stdin.flush()

    @property
    def mark(self) -> dict[str, str]:
        """Return the variable that every process of this run has."""
        return {MARK: self.id}

    def environment(self, **variables: str) -> dict[str, str]:
        """Return our own environment with the run's mark and `variables` added: for a child process."""
        return {**os.environ, **variables, **self.mark}


def marked(run_id: str) -> list[psutil.Process]:
    """Return the living processes, this one aside, that carry the mark of the run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # not ours, or gone in between
            if process.pid != os.getpid() and process.environ().get(MARK) == run_id and alive(process):
                found.append(process)
    return found


def sweep(run_id: str, *, grace: float = GRACE) -> int:
    """End all processes of the run, gently first; return how many there were."""
    swept = 0
    for _ in range(ROUNDS):
        processes = marked(run_id)
        if not processes:
            break
        swept += len(processes)
        end(processes, grace=grace)
    return swept


def alive(process: psutil.Process) -> bool:
    """Whether it still runs: one that has ended is not alive although its parent has not asked for its exit code."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_ended(processes: Sequence[psutil.Process], *, timeout: float = inf) -> list[psutil.Process]:
    """Return those that are still alive after `timeout` seconds; psutil's own wait takes an unreaped one for alive."""
    deadline = time.monotonic() + timeout
    left = [process for process in processes if alive(process)]
    while left and time.monotonic() < deadline:
        time.sleep(POLL)
        left = [process for process in left if alive(process)]
    return left


def end(processes: Sequence[psutil.Process], *, grace: float = GRACE) -> None:
    """Send SIGTERM, wait `grace` seconds, send SIGKILL to what is left; return when all have ended."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    left = wait_ended(processes, timeout=grace)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_ended(left)


def remove_containers(run_id: str) -> None:
    """Remove the run's containers."""
    from wxbus_local.containers import Engine  # noqa: PLC0415 (half a second that most runs need not spend)

    with contextlib.closing(Engine()) as engine:
        for container in engine.of_run(run_id):
            container.remove(force=True, v=True)


def main(run_id: str, runner: int) -> None:
    """Wait until the runner has ended or tells us to (SIGTERM), then end what it left."""

    def closed(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit

    signal.signal(signal.SIGTERM, closed)
    try:
        watched = psutil.Process(runner) if os.getppid() == runner else None
        print("watching", flush=True)  # the runner waits for this
        if watched is not None:
            wait_ended([watched])
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sweep(run_id)
        os.set_blocking(sys.stdin.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            if os.read(sys.stdin.fileno(), 1) == HAS_CONTAINERS:
                remove_containers(run_id)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
