"""No process outlives its run."""

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
    handler = sys.argv[1]
    sigterm = f"import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.{handler})"
    grandchild = "subprocess.Popen(['sleep', '600'], start_new_session=True); print('up', flush=True)"
    child = subprocess.Popen(
        [sys.executable, "-c", f"{sigterm}; {grandchild}; time.sleep(600)"],
        env=run.environment(),
        stdout=subprocess.PIPE,
    )
    child.stdout.readline()
    print(run.id, run.guard.pid, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize(("ending", "handler"), [("orderly", "SIG_DFL"), ("kill", "SIG_IGN")])
def test_children_and_their_children_end_with_the_runner(ending: str, handler: str) -> None:
    """A child that ignores SIGTERM and a grandchild in another session end with the runner, even after kill -9."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, handler], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout is not None
        run_id, guard_pid = runner.stdout.readline().split()
        children = processes_of(run_id)
        guard = psutil.Process(int(guard_pid))
        assert len(children) == 2

        if ending == "kill":
            runner.kill()
        else:
            runner.communicate("\n")
        remaining = wait_ended([*children, guard], timeout=30)

    assert remaining == []
    assert processes_of(run_id) == []
