"""A thread that logs where the event loop is blocked.

Code that blocks the loop (`time.sleep`, a slow query, a large computation) stops everything in the process, including
heartbeats and log lines of tasks. Only another thread can report it while it lasts.
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
"""Seconds without an iteration after which the loop counts as blocked."""
BEATS: Final = 5
"""Heartbeats of the loop within the limit."""
INNERMOST: Final = 20
"""Logged frames of the stack."""

Describe: TypeAlias = Callable[["asyncio.Task[Any] | None"], Mapping[str, str]]
"""Returns log fields about the blocking task, None if no task blocks; called in the watchdog's thread."""

log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def watched_loop(
    *, registry: CollectorRegistry = REGISTRY, describe: Describe = lambda _: {}, limit: float = LIMIT
) -> AsyncIterator[None]:
    """Watch the running loop while the block runs.

    Logs `loop.blocked` with the stack and `loop.unblocked` with the seconds.
    `wxbus_loop_blocked_total` counts these, `wxbus_loop_blocked_seconds_total` their seconds.
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
        self._every = limit / BEATS
        self._loop_thread = threading.get_ident()
        self._last_beat = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._blockings = Counter(
            "wxbus_loop_blocked", f"Times the event loop was blocked for {limit:g} s or longer", registry=registry
        )
        self._seconds = Counter("wxbus_loop_blocked_seconds", "Seconds of these blockings", registry=registry)

    def beat(self) -> None:
        """Record that the loop runs. Called by the loop."""
        now = time.monotonic()
        blocked = now - self._last_beat
        self._last_beat = now
        if blocked >= self._limit:
            self._blockings.inc()
            self._seconds.inc(blocked)
            log.warning("loop.unblocked", seconds=round(blocked, 3))
        self._timer = self._loop.call_later(self._every, self.beat)

    def watch(self) -> None:
        """Check the loop until stopped, whenever its last beat may be too long ago. Runs in a thread."""
        check_at = time.monotonic() + self._limit
        reported = 0.0
        while not self._stopped.wait(max(0.0, check_at - time.monotonic())):
            now = time.monotonic()
            # If this thread did not run either, the process was frozen: the loop's code is not the cause.
            frozen = now - check_at > self._limit - self._every
            last_beat = self._last_beat
            if not frozen and last_beat != reported and now - last_beat >= self._limit:
                reported = last_beat
                self._report(now - last_beat)
            check_at = max(last_beat + self._limit, now + self._every)

    def stop(self) -> None:
        """Stop watching. Called by the loop."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _report(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - documented, for debuggers
        # Lines of code, without values of variables.
        stack = "".join(traceback.format_stack(frame, limit=INNERMOST)) if frame else ""
        fields = self._describe(asyncio.current_task(self._loop))
        log.warning("loop.blocked", seconds=round(seconds, 3), code=stack, **fields)
