"""A time limit for a block: `asyncio.timeout` with one timer and no coroutines of its own, for hot paths."""

import asyncio
from types import TracebackType


class Timeout:
    """Cancels the block after some seconds, and then raises TimeoutError."""

    __slots__ = ("_cancelling", "_seconds", "_task", "_timer", "expired")

    _task: "asyncio.Task[object]"
    _timer: asyncio.TimerHandle
    _cancelling: int

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.expired = False
        """Whether the time is over: a TimeoutError of the block itself leaves this false."""

    def __enter__(self) -> "Timeout":
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a timeout outside of a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # Another cancellation that came meanwhile is not swallowed.
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from exc

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()
