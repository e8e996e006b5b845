"""Background work that lasts as long as its service: a part that is away, or a fault of one round, does not end it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import structlog

from wxbus.errors import Unavailable

LONGEST_PAUSE: Final = 60.0
"""Seconds between two rounds that fail in a way nobody foresaw."""

log = structlog.stdlib.get_logger("wxbus")


async def repeat(work: Callable[[], Awaitable[object]], *, name: str, pause: Callable[[], float]) -> NoReturn:
    """Run `work` again and again, with a pause after each round, until cancelled.

    `Unavailable` is logged once, and once more when a round succeeds. Any other error is a fault in the code: it is
    logged with its traceback, and the pause grows while it lasts.

    Args:
        work: One round, or work that ends only by an error.
        name: Of the work, for the log.
        pause: Returns the seconds to wait after a round.
    """
    away, faults = False, 0
    while True:
        wait = pause()
        try:
            await work()
        except Exception as exc:
            if reason := _outage(exc):
                if not away:
                    log.warning("background.waits", task=name, reason=reason)
                away, faults = True, 0
            else:
                log.exception("background.failed", task=name)
                faults += 1
                wait = min(LONGEST_PAUSE, max(wait, 2.0 ** min(faults, 10)))
        else:
            if away:
                log.info("background.continues", task=name)
            away, faults = False, 0
        await asyncio.sleep(wait)


async def retry_while_unavailable(work: Callable[[], Awaitable[None]], *, name: str, pause: float) -> None:
    """Run `work` until it returns; run it again, after `pause` seconds, whenever a part is away.

    Raises:
        Exception: Whatever else `work` raises.
    """
    while True:
        try:
            return await work()
        except Exception as exc:
            if not (reason := _outage(exc)):
                raise
            log.warning("background.waits", task=name, reason=reason, again_in=pause)
        await asyncio.sleep(pause)


def _outage(exc: Exception) -> str:
    """Return what is away, if an error says only that, also in a group; else ""."""
    if isinstance(exc, Unavailable):
        return str(exc) or type(exc).__name__
    if isinstance(exc, ExceptionGroup):
        reasons = [_outage(one) for one in exc.exceptions]
        return "; ".join(reasons) if all(reasons) else ""
    return ""
