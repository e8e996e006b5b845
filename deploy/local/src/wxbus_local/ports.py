"""Ports on 127.0.0.1 that nobody uses."""

import random
import socket

FIRST, LAST = 20_000, 29_999
"""Below the range from which systems take the local ports of outgoing connections: those would race with us."""

_given: set[int] = set()
"""What this process was given: it may not listen there yet, and whoever is killed comes back to its port."""


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
        first = random.randint(FIRST, LAST + 1 - row)
        ports = range(first, first + row)
        if _given.isdisjoint(ports) and all(map(is_free, ports)):
            _given.update(ports)
            return first


def preferred_port(port: int) -> int:
    """Return `port` if it is free, else another."""
    return port if is_free(port) else free_port()
