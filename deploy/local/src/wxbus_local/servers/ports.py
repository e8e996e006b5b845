"""Free ports on 127.0.0.1, each returned once: a server needs a while until it listens."""

import random
import socket
from collections.abc import Iterator
from threading import Lock
from typing import Final

from wxbus_local.errors import StartFailed

FIRST: Final = 20_000
LAST: Final = 29_999
"""Below the range from which systems take the local ports of outgoing connections."""
BLOCK: Final = 50
"""Ports that a process reserves at once."""


class PortPool:
    """Returns each port once, also among processes."""

    def __init__(self) -> None:
        self._reservations: list[socket.socket] = []
        """UDP sockets on the ports that this process reserved, one for a block; the process's end frees them."""
        self._ports = self._reserved_ports()
        self._lock = Lock()

    def take(self, count: int) -> int:
        """Return the first of `count` consecutive free ports."""
        found: list[int] = []
        with self._lock:
            for port in self._ports:
                if found and port != found[-1] + 1:
                    found = []
                found = [*found, port] if is_free(port) else []
                if len(found) == count:
                    return found[0]
        raise StartFailed(f"no {count} consecutive free ports between {FIRST} and {LAST}")

    def reserve(self, port: int) -> bool:
        """Reserve one port for this process; return False if another process has reserved it."""
        reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            return False
        self._reservations.append(reservation)
        return True

    def _reserved_ports(self) -> Iterator[int]:
        blocks = range(FIRST, LAST + 1, BLOCK)
        for first in random.sample(blocks, k=len(blocks)):
            if self.reserve(first):
                yield from range(first, first + BLOCK)


_pool = PortPool()


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*, count: int = 1) -> int:
    """Return a free port, the first of `count` consecutive ones; none of them is returned again.

    Raises:
        StartFailed: No such ports are free.
    """
    return _pool.take(count)


def take_port(port: int) -> bool:
    """Reserve `port`; return False if a server listens on it or another run has reserved it."""
    return _pool.reserve(port) and is_free(port)
