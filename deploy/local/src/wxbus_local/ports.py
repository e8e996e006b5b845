"""Ports on 127.0.0.1 that nobody uses."""

import random
import socket

FIRST, LAST = 20_000, 29_999
"""Below the range from which systems take the local ports of outgoing connections: those would race with us."""


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
    """Return a port that is free now, the first of so many in a row."""
    ports = iter(lambda: random.randint(FIRST, LAST), None)
    return next(port for port in ports if all(map(is_free, range(port, port + row))))


def preferred_port(port: int) -> int:
    """Return `port` if it is free, else another."""
    return port if is_free(port) else free_port()
