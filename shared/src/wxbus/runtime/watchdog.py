"""A thread that notices when the event loop stands still, and logs where.

Code that blocks the loop (`time.sleep`, a slow query, a large computation) stops everything in the process, heartbeats
and log lines of tasks included. Only another thread can report it while it lasts.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter

LIMIT: Final = 1.0
"""Seconds without a turn of the loop after which it counts as blocked."""
LOOKS: Final = 5
"""Looks at the loop within the limit."""
INNERMOST: Final = 20
"""Calls of the stack that are logged."""

Describe: TypeAlias = Callable[["asyncio.Task[Any] | None"], Mapping[str, str]]
"""Returns log fields about the task that blocks the loop, None if no task does; called in the watchdog's thread."""

log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def watched_loop(
    *, registry: CollectorRegistry = REGISTRY, describe: Describe = lambda _: {}, limit: float = LIMIT
) -> AsyncIterator[None]:
    """Watch the running loop while the block runs: `loop.blocked` has the stack, `loop.unblocked` the seconds.

    `wxbus_loop_blocked_total` counts the times, `wxbus_loop_blocked_seconds_total` the seconds.
    """
    watchdog = _Watchdog(asyncio.get_running_loop(), registry, describe, limit)
    watchdog.beat()
    thread = threading.Thread(target=watchdog.watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watchdog.stop()


class _Watchdog:
    def __init__(
        self, loop: asyncio.AbstractEventLoop, registry: CollectorRegistry, describe: Describe, limit: float
    ) -> None:
        self._loop = loop
        self._describe = describe
        self._limit = limit
        self._every = limit / LOOKS
        self._loop_thread = threading.get_ident()
        self._beaten = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._times = Counter(
            "wxbus_loop_blocked", f"Times the event loop stood still for {limit:g} s or longer", registry=registry
        )
        self._seconds = Counter("wxbus_loop_blocked_seconds", "Seconds of these", registry=registry)

    def beat(self) -> None:
        """Note that the loop runs. Called by the loop."""
        now = time.monotonic()
        stood = now - self._beaten
        self._beaten = now
        if stood >= self._limit:
            self._times.inc()
            self._seconds.inc(stood)
            log.warning("loop.unblocked", seconds=round(stood, 3))
        self._timer = self._loop.call_later(self._every, self.beat)

    def watch(self) -> None:
        """Look at the loop until stopped. Runs in a thread."""
        looked = time.monotonic()
        reported = 0.0
        while not self._stopped.wait(self._every):
            now = time.monotonic()
            # If this thread stood still, too, the process was frozen: the loop's code is not the cause.
            frozen = now - looked > self._limit
            looked = now
            beaten = self._beaten
            if not frozen and beaten != reported and now - beaten >= self._limit:
                reported = beaten
                self._report(now - beaten)

    def stop(self) -> None:
        """Stop watching. Called by the loop."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _report(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - documented, for debuggers
        # Code lines only: no values of variables.
        stack = "".join(traceback.format_stack(frame, limit=INNERMOST)) if frame else ""
        fields = self._describe(asyncio.current_task(self._loop))
        log.warning("loop.blocked", seconds=round(seconds, 3), code=stack, **fields)
