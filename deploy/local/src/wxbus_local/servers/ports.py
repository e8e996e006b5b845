"""Ports on 127.0.0.1 that nobody uses and nobody else of ours is given: it takes a server a while to listen."""

import random
import socket
from collections.abc import Iterator
from threading import Lock

from wxbus_local.errors import StartFailed

FIRST, LAST = 20_000, 29_999
"""Below the range from which systems take the local ports of outgoing connections: those would race with us."""
BLOCK = 50
"""Ports that a process takes for itself at once."""


class _Ports:
    """Gives each port away once."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        """The UDP port with the number of each block's first: who holds that has the block, until his process ends."""
        self._left = self._ours()
        self._lock = Lock()

    def take(self, row: int) -> int:
        """Return the first of so many free ports in a row."""
        found: list[int] = []
        with self._lock:
            for port in self._left:
                if found and port != found[-1] + 1:
                    found = []
                found = [*found, port] if is_free(port) else []
                if len(found) == row:
                    return found[0]
        raise StartFailed(f"no {row} free ports in a row are left between {FIRST} and {LAST}")

    def _ours(self) -> Iterator[int]:
        firsts = range(FIRST, LAST + 1, BLOCK)
        for first in random.sample(firsts, k=len(firsts)):
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind(("127.0.0.1", first))
            except OSError:
                claim.close()
            else:
                self._claims.append(claim)
                yield from range(first, first + BLOCK)


_ports = _Ports()


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
    """Return a port that is free now, the first of so many in a row; neither it nor they are returned again.

    Raises:
        StartFailed: There is none.
    """
    return _ports.take(row)


def preferred_port(port: int) -> int:
    """Return `port` if it is free, else another."""
    return port if is_free(port) else free_port()
