"""Background work that lasts as long as its service: outages and faults of one round do not end it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn

import structlog

from wxbus.errors import Unavailable

LONGEST_PAUSE: Final = 60.0

log = structlog.stdlib.get_logger("wxbus")


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` while the block runs; an error that ends it early is logged."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def repeat(
    work: Callable[[], Awaitable[object]],
    *,
    name: str,
    pause: Callable[[], float],
    longest_pause: float = LONGEST_PAUSE,
) -> NoReturn:
    """Run `work` repeatedly, with a pause after each round, until cancelled.

    `Unavailable` is logged once, and once more when a round succeeds. Any other error is a fault in the code: it is
    logged with its traceback, and the pause grows while it lasts.

    Args:
        work: One round, or work that ends only by an error.
        name: Name of the work in the log.
        pause: Returns the seconds to wait after a round.
        longest_pause: Seconds between two rounds that fail with unexpected errors, at most.
    """
    unavailable, faults = False, 0
    while True:
        wait = pause()
        try:
            await work()
        except Exception as exc:
            if reason := _outage(exc):
                if not unavailable:
                    log.warning("background.unavailable", task=name, reason=reason)
                unavailable, faults = True, 0
            else:
                log.exception("background.failed", task=name)
                faults += 1
                wait = min(longest_pause, max(wait, 2.0 ** min(faults, 10)))
        else:
            if unavailable:
                log.info("background.recovered", task=name)
            unavailable, faults = False, 0
        await asyncio.sleep(wait)


async def retry_while_unavailable(work: Callable[[], Awaitable[None]], *, name: str, pause: float) -> None:
    """Run `work` until it returns; repeat it after `pause` seconds when it raises `Unavailable`.

    Raises:
        Exception: Any other error of `work`.
    """
    while True:
        try:
            return await work()
        except Exception as exc:
            if not (reason := _outage(exc)):
                raise
            log.warning("background.unavailable", task=name, reason=reason, retry_in=pause)
        await asyncio.sleep(pause)


def _outage(exc: Exception) -> str:
    """Return the reason if the error is `Unavailable`, or a group of only such errors; else ""."""
    if isinstance(exc, Unavailable):
        return str(exc) or type(exc).__name__
    if isinstance(exc, ExceptionGroup):
        reasons = [_outage(error) for error in exc.exceptions]
        return "; ".join(reasons) if all(reasons) else ""
    return ""


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("background.ended", task=task.get_coro().__qualname__, exc_info=error)  # type: ignore[union-attr]  # made of a coroutine
