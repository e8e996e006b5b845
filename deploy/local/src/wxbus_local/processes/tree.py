"""Process trees: which processes of a run are alive, and how to end them."""

import contextlib
import os
import time
from collections.abc import Sequence
from math import inf

import psutil

RUN_ID = "WXBUS_RUN"
"""The environment variable of processes, and the label of containers, that holds the id of their run."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
POLL = 0.05


def processes_of(run_id: str) -> list[psutil.Process]:
    """Return the living processes of the run, except this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # another user's process, or one that has just ended
            if process.pid != os.getpid() and process.environ().get(RUN_ID) == run_id and is_alive(process):
                found.append(process)
    return found


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process runs. A zombie is not alive."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_ended(processes: Sequence[psutil.Process], *, timeout: float = inf) -> list[psutil.Process]:
    """Return the processes still alive after `timeout` seconds; `psutil.wait_procs` would wait for zombies, too."""
    deadline = time.monotonic() + timeout
    remaining = [process for process in processes if is_alive(process)]
    while remaining and time.monotonic() < deadline:
        time.sleep(POLL)
        remaining = [process for process in remaining if is_alive(process)]
    return remaining


def end(processes: Sequence[psutil.Process], *, grace: float = GRACE) -> None:
    """Send SIGTERM, after `grace` seconds SIGKILL; return when all processes have ended."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    remaining = wait_ended(processes, timeout=grace)
    for process in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_ended(remaining)
