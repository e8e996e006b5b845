"""The time budget of a request: it starts at the first byte, and every step draws from it."""

import asyncio


class Deadline:
    """The moment by which a request must be answered."""

    __slots__ = ("_at", "_loop", "_start")

    def __init__(self, start: float, budget: float) -> None:
        """`start` is the event loop's time of the first byte, `budget` the seconds from then on."""
        self._loop = asyncio.get_running_loop()
        self._at = start + budget
        self._start = start

    def left(self, *, at_most: float | None = None) -> float:
        """Return the seconds left for a step, 0 or more, and no more than `at_most`."""
        left = max(0.0, self._at - self._loop.time())
        return left if at_most is None else min(left, at_most)

    def used(self) -> float:
        """Return the seconds since the first byte."""
        return self._loop.time() - self._start
