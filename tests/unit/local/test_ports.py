"""Ports for servers that are started together."""

import subprocess
import sys
from contextlib import ExitStack

from wxbus_local.servers.ports import FIRST, LAST, free_port

BY_CHANCE_THE_SAME = """
import random; random.seed(1)
from wxbus_local.servers.ports import free_port
print(*(free_port() for _ in range(100)), flush=True)
input()
"""


def test_no_port_is_given_twice() -> None:
    """Nobody listens on them yet: two services of one test, chosen one after the other, would take the same."""
    ports = []
    for row in [1] * 100 + [3] * 100:
        first = free_port(row=row)
        ports += range(first, first + row)
    assert len(ports) == len(set(ports))
    assert all(FIRST <= port <= LAST for port in ports)


def test_no_two_processes_are_given_the_same() -> None:
    """It may take seconds from the choice of a port until somebody listens there; others start servers meanwhile."""
    given: list[str] = []
    command = [sys.executable, "-c", BY_CHANCE_THE_SAME]
    with ExitStack() as stack:
        for _ in range(2):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            given += process.stdout.readline().split()
    assert len(given) == len(set(given)) == 200
