"""How a service is told to stop."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_signal(at_once: Callable[[], None] | None = None) -> asyncio.Event:
    """Return the event that the first SIGTERM or SIGINT sets; a second one ends the process.

    Not by the loop's own handlers: a handler that keeps the loop busy would keep it from noticing the second one, too.

    Args:
        at_once: Called before a second signal ends the process, to take others along.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL if at_once is None else second)
        loop.call_soon_threadsafe(stopping.set)

    def second(number: int, _frame: FrameType | None) -> None:
        if at_once is not None:
            at_once()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    for number in SIGNALS:
        signal.signal(number, first)
    return stopping
