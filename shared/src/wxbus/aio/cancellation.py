"""Calls of client libraries that swallow cancellations and raise errors of their own.

`asyncio.wait_for` of Python 3.11 loses a cancellation that comes at the same moment as the result: a loop around it
would never end. aiormq and redis-py use it.
"""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType


class Cancellation:
    """Detects whether the current task was cancelled since this object was created."""

    __slots__ = ("_before", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    @property
    def requested(self) -> bool:
        """Whether the task was cancelled; a time-out that has ended does not count."""
        return self._task is not None and self._task.cancelling() > self._before


class ClientCall(ABC):
    """A block that calls a client library: translates its errors, and raises swallowed cancellations again."""

    __slots__ = ("_cancellation", "_doing")

    def __init__(self, doing: str) -> None:
        """`doing` starts the text of each translated error."""
        self._doing = doing

    @abstractmethod
    def translate(self, exc: BaseException) -> Exception | None:
        """Return the error to raise instead of `exc`, or None if `exc` does not come from the library."""

    def __enter__(self) -> None:
        self._cancellation = Cancellation()

    def __exit__(
        self, _kind: type[BaseException] | None, exc: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._cancellation.requested:
            if exc is None or isinstance(exc, Exception):
                raise asyncio.CancelledError from exc
        elif exc is not None and (translated := self.translate(exc)):
            raise translated from exc
