"""The guard of a run: waits until the runner ends, then ends every process and container of the run.

Started by `Run.open` as `python -m wxbus_local.guard RUN_ID RUNNER_PID`.
"""

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

import psutil

from wxbus_local.processes.run import HAS_CONTAINERS
from wxbus_local.processes.tree import end, processes_of, wait_ended

ROUNDS: Final = 5
"""Number of searches for processes: new ones may start while others are being ended."""


def main(run_id: str, runner: int) -> None:
    """Wait until the runner ends or sends SIGTERM, then end all processes and containers of the run."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    try:
        watched = psutil.Process(runner) if os.getppid() == runner else None
        print("ready", flush=True)
        if watched is not None:
            wait_ended([watched])
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(ROUNDS):
            if not (processes := processes_of(run_id)):
                break
            end(processes)
        os.set_blocking(sys.stdin.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            if os.read(sys.stdin.fileno(), 1) == HAS_CONTAINERS:
                remove_containers(run_id)


def remove_containers(run_id: str) -> None:
    """Remove the run's containers."""
    from wxbus_local.servers.containers import Engine  # noqa: PLC0415 - half a second that most runs do not need

    with contextlib.closing(Engine()) as engine:
        for container in engine.containers_of(run_id):
            container.remove(force=True, v=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
