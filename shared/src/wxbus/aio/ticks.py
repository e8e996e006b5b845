"""Moments at which the periodic work of a process runs, so that all of it shares one wake-up and one batch to Redis."""

import asyncio
import random
from typing import Final

PHASE: Final = random.random()
"""Random part of an interval, so that the ticks of different processes do not coincide."""


def until_tick(interval: float) -> float:
    """Return the seconds until the next tick, 0.5 to 1.5 times `interval`; ticks of one interval coincide."""
    if not interval:
        return 0.0
    left = interval - (asyncio.get_running_loop().time() - PHASE * interval) % interval
    return left if left > interval / 2 else left + interval
