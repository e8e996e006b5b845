"""How long a request may still take: one budget from its first byte on, from which every step draws."""

import asyncio


class Deadline:
    """The moment by which a request must be answered."""

    __slots__ = ("_at", "_began", "_loop")

    def __init__(self, began: float, budget: float) -> None:
        """`began` is the event loop's time of the request's first byte; `budget` are seconds from there."""
        self._loop = asyncio.get_running_loop()
        self._at = began + budget
        self._began = began

    def left(self, *, at_most: float | None = None) -> float:
        """Return the seconds that a step may take: what is left, never below 0, or `at_most`."""
        left = max(0.0, self._at - self._loop.time())
        return left if at_most is None else min(left, at_most)

    def used(self) -> float:
        """Return the seconds since the first byte."""
        return self._loop.time() - self._began
