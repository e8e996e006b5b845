"""Free ports."""

import subprocess
import sys
from contextlib import ExitStack

from wxbus_local.servers.ports import FIRST, LAST, free_port, take_port

SAME_RANDOM_SEED = """
import random; random.seed(1)
from wxbus_local.servers.ports import free_port
print(*(free_port() for _ in range(100)), flush=True)
input()
"""

TAKE = "import sys; from wxbus_local.servers.ports import take_port; print(take_port(int(sys.argv[1])))"


def test_no_port_is_returned_twice() -> None:
    """A returned port may still be free when the next one is chosen, because its server has not started yet."""
    ports: list[int] = []
    for count in [1] * 100 + [3] * 100:
        first = free_port(count=count)
        ports += range(first, first + count)
    assert len(ports) == len(set(ports))
    assert all(FIRST <= port <= LAST for port in ports)


def test_processes_get_different_ports() -> None:
    """Two processes do not get the same port, even with the same random numbers."""
    ports: list[str] = []
    command = [sys.executable, "-c", SAME_RANDOM_SEED]
    with ExitStack() as stack:
        for _ in range(2):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            ports += process.stdout.readline().split()
    assert len(ports) == len(set(ports)) == 200


def test_two_runs_do_not_take_the_same_port() -> None:
    """A port that one run has taken is taken for other runs, although its server does not listen yet."""
    port = free_port(count=2) + 1  # not the first one of a block, which `free_port` has reserved
    assert take_port(port)

    done = subprocess.run([sys.executable, "-c", TAKE, str(port)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
