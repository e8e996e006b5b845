"""Stop signals."""

import asyncio
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
FIRST: Final = 1
"""Process id of a container's first process, for which signals have no default action."""


def stop_signal(at_once: Callable[[], None] | None = None) -> asyncio.Event:
    """Return the event that the first SIGTERM or SIGINT sets; a second one ends the process.

    The handlers are not the loop's: a blocked loop would not run them.

    Args:
        at_once: Called before a second signal ends the process, for example to kill child processes.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    default_action = at_once is None and os.getpid() != FIRST

    def first(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL if default_action else second)
        loop.call_soon_threadsafe(stopping.set)

    def second(number: int, _frame: FrameType | None) -> None:
        if at_once is not None:
            at_once()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
        os._exit(128 + number)

    for number in SIGNALS:
        signal.signal(number, first)
    return stopping
