"""Ports on 127.0.0.1 that nobody uses."""

import random
import socket
from itertools import count

FIRST, LAST = 20_000, 29_999
"""Below the range from which systems take the local ports of outgoing connections: those would race with us."""

_turns = count(random.randrange(LAST + 1 - FIRST))
"""A process goes through all of them, from a place of its own: who was given a port may not listen there yet, and who
is killed comes back to it, so nobody else must be given it, not by another process either that looks just then."""


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*, row: int = 1) -> int:
    """Return a port that is free now and was not returned before, the first of so many in a row."""
    while True:
        ports = [FIRST + next(_turns) % (LAST + 1 - FIRST) for _ in range(row)]
        if ports == list(range(ports[0], ports[0] + row)) and all(map(is_free, ports)):
            return ports[0]


def preferred_port(port: int) -> int:
    """Return `port` if it is free, else another."""
    return port if is_free(port) else free_port()
