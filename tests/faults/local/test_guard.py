"""Nothing of a run is left, however its runner ended."""

import subprocess
import sys

import psutil
import pytest

from wxbus_local.processes.tree import processes_of, wait_ended

pytestmark = pytest.mark.faults

RUNNER = """
import subprocess, sys
from wxbus_local.processes.run import Run

with Run.open() as run:
    deaf = "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    grandchild = "subprocess.Popen(['sleep', '600'], start_new_session=True); print('up', flush=True)"
    child = subprocess.Popen(
        [sys.executable, "-c", f"{deaf}; {grandchild}; time.sleep(600)"],
        env=run.environment(),
        stdout=subprocess.PIPE,
    )
    child.stdout.readline()
    print(run.id, run.guard.pid, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("ending", ["orderly", "kill"])
def test_children_and_their_children_end_with_the_runner(ending: str) -> None:
    """A child deaf to SIGTERM and a grandchild in a session of its own end when the runner does, by kill -9 too."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout is not None
        run_id, guard_pid = runner.stdout.readline().split()
        left = processes_of(run_id)
        guard = psutil.Process(int(guard_pid))
        assert len(left) == 2

        if ending == "kill":
            runner.kill()
        else:
            runner.communicate("\n")
        still_there = wait_ended([*left, guard], timeout=30)

    assert still_there == []
    assert processes_of(run_id) == []
