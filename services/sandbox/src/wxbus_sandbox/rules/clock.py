"""The sandbox's time: the machine's, plus what somebody has put it forward by."""

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch. Durations run on `now`, which can be put forward; pushes bear `wall` time.

    A push that came from the future would be refused by its receiver, so that putting the clock forward, to let tokens
    or windows lapse, leaves pushes alone.
    """

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._ahead = 0.0

    def wall(self) -> float:
        """Return the machine's time."""
        return self._base()

    def now(self) -> float:
        """Return the sandbox's time."""
        return self._base() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the sandbox's time forward."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._ahead += seconds

    def reset(self) -> None:
        """Let the sandbox's time be the machine's again."""
        self._ahead = 0.0
