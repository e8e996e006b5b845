"""Joins concurrent calls with the same key."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

import structlog

from wxbus.errors import WxbusError, copy_error

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

log = structlog.get_logger("wxbus")


class SingleFlight(Generic[K, V]):
    """Runs at most one coroutine per key; calls made while it runs share its outcome.

    A cancelled caller does not cancel the coroutine, even if no other caller waits.
    """

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[V]] = {}

    async def do(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Return the result of `work()`, or of the coroutine that already runs for `key`.

        Each caller gets its own copy of an exception.
        """
        flight = self._task(key, work)
        await asyncio.wait({flight})
        if not flight.cancelled() and (error := flight.exception()):
            raise copy_error(error)
        return flight.result()

    def start(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> None:
        """Run `work()` in the background if nothing runs for `key`; an error outside WxbusError is logged."""
        if key not in self._flights:
            self._task(key, work).add_done_callback(_log_unexpected)

    async def drain(self) -> None:
        """Return when nothing runs."""
        while self._flights:
            await asyncio.wait(list(self._flights.values()))

    async def aclose(self) -> None:
        """Cancel all running coroutines; their callers get CancelledError."""
        flights = list(self._flights.values())
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _task(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> "asyncio.Task[V]":
        task = self._flights.get(key)
        if task is None:
            task = self._flights[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._finished(key, done))
        return task

    def _finished(self, key: K, done: "asyncio.Task[V]") -> None:
        if self._flights.get(key) is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # marks it as retrieved, also without a caller


def _log_unexpected(done: "asyncio.Task[Any]") -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, WxbusError):
        log.error("background.failed", exc_info=error)
