"""Ports for servers that are started together."""

import subprocess
import sys

from wxbus_local.ports import FIRST, LAST, free_port

THEIRS = "from wxbus_local.ports import free_port; print(*(free_port() for _ in range(2000)), flush=True); input()"


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
    command = [sys.executable, "-c", THEIRS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = {free_port() for _ in range(500)}
        other.communicate("\n")
    assert len(theirs) == 2000
    assert not theirs & ours
