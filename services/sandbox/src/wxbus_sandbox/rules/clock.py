"""The sandbox's clock: the machine's time plus an offset."""

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch.

    Tokens and windows expire by `now`, which can be advanced. Pushes carry `wall` time, because receivers reject
    timestamps in the future.
    """

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._offset = 0.0

    def wall(self) -> float:
        """Return the machine's time."""
        return self._base()

    def now(self) -> float:
        """Return the sandbox's time."""
        return self._base() + self._offset

    def advance(self, seconds: float) -> None:
        """Advance the sandbox's time."""
        if seconds < 0:
            raise ValueError("the clock cannot go back")
        self._offset += seconds

    def reset(self) -> None:
        """Return to the machine's time."""
        self._offset = 0.0
