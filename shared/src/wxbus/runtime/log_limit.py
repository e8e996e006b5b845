"""Limits the rate of log lines that clients can cause."""

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from wxbus.aio.buckets import Buckets

K = TypeVar("K", bound=Hashable)

LINES: Final = 50
"""Burst of lines for one key."""
LINES_PER_SECOND: Final = 5.0
"""Lines per second after the burst."""


class LogLimit(Generic[K]):
    """Limits the lines of each key, and counts the lines that were not logged."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets: Buckets[K] = Buckets(LINES_PER_SECOND, LINES, clock=clock)
        self._unlogged: dict[K, int] = {}

    def take(self, key: K) -> int | None:
        """Return the number of unlogged lines before this one; None if this one must not be logged either."""
        if self._buckets.take(key):
            self._unlogged[key] = self._unlogged.get(key, 0) + 1
            return None
        return self._unlogged.pop(key, 0)
