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


def free_port() -> int:
    """Return a port that is free now."""
    return next(port for port in iter(lambda: random.randint(FIRST, LAST), None) if is_free(port))


def preferred_port(port: int) -> int:
    """Return `port` if it is free, else another."""
    return port if is_free(port) else free_port()
