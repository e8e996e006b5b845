"""One run of `make run`, `make demo` or the tests: no process or container outlives it.

Every process of a run carries the run's id in its environment, and so do its children. A guard process
(`wxbus_local.guard`) waits until the runner ends, for whatever reason, and then ends all processes with this id.
"""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Final, cast

from wxbus_local.processes.tree import RUN_ID

GUARD: Final = "wxbus_local.guard"
HAS_CONTAINERS: Final = b"c"
"""Sent to the guard once the run has containers: only then does it connect to the Docker engine, which is slow."""


class Run:
    """A run and its guard process."""

    def __init__(self, guard: "subprocess.Popen[bytes]", run_id: str) -> None:
        self.id = run_id
        self.guard = guard

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator["Run"]:
        """Yield a run; when the block or this process ends, all processes and containers of the run are ended."""
        run_id = secrets.token_hex(8)
        with subprocess.Popen(
            [sys.executable, "-m", GUARD, run_id, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C must not reach the guard
        ) as guard:
            cast("IO[bytes]", guard.stdout).readline()  # the guard is ready
            try:
                yield cls(guard, run_id)
            finally:
                guard.terminate()
                guard.wait()

    def has_containers(self) -> None:
        """Let the guard remove the run's containers, too."""
        stdin = cast("IO[bytes]", self.guard.stdin)
        stdin.write(HAS_CONTAINERS)
        stdin.flush()

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables of every process of this run."""
        return {RUN_ID: self.id}

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the environment for a child process: this process's environment, `variables` and the run's id."""
        return {**os.environ, **variables, **self.variables}
