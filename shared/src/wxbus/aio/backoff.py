"""Growing delays between attempts."""

import random


class Backoff:
    """Exponential delays with jitter: restarted servers do not get all clients at the same moment."""

    def __init__(self, *, first: float = 0.1, longest: float = 5.0) -> None:
        """`first` and `longest` are upper bounds in seconds; the jitter takes up to half of each."""
        self._first = first
        self._longest = longest
        self._next = first

    def reset(self) -> None:
        """Start over with the first delay, after a success."""
        self._next = self._first

    def delay(self) -> float:
        """Return the seconds to wait before the next attempt."""
        upper, self._next = self._next, min(self._next * 2, self._longest)
        return random.uniform(upper / 2, upper)
