"""Cancellations that a library swallowed.

`asyncio.wait_for` of Python 3.11 returns a result that comes at the same moment as a cancellation, and the cancellation
is lost: a loop around it would go on for ever, and its process with it. aiormq and redis-py wait that way.
"""

import asyncio


class Cancellation:
    """Knows whether the current task was cancelled since this was made."""

    __slots__ = ("_before", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    @property
    def came(self) -> bool:
        """Whether it was cancelled; a time-out that was its own and is over does not count."""
        return self._task is not None and self._task.cancelling() > self._before
