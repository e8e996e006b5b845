"""A limit on how often one caller may call: a bucket for each, refilled as time passes."""

import time
from collections.abc import Callable
from typing import Final

from wxbus.errors import RpcFailure
from wxbus.rpc.call import Call

BURST: Final = 2.0
"""Seconds of calls that a caller may save up."""


class Limit:
    """A check that refuses calls beyond `rate` a second of one principal; it counts in this process alone."""

    def __init__(self, rate: float, *, burst: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`burst` is how many calls may come at once: those of `BURST` seconds by default, at least one."""
        if rate <= 0:
            raise ValueError("the rate must be above 0 calls a second")
        self._rate = rate
        self._burst = max(1.0, rate * BURST if burst is None else burst)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        """What is left and when that was, by name; there are no more of them than there are names of keys."""

    def __call__(self, call: Call) -> None:
        """429 with the time after which the next call is let through."""
        name = call.principal.name if call.principal else ""
        now = self._clock()
        left, since = self._buckets.get(name, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        if left < 1.0:
            raise RpcFailure(
                429,
                "Too many calls",
                detail=f"the limit is {self._rate:g} a second",
                retry_after=(1.0 - left) / self._rate,
            )
        self._buckets[name] = (left - 1.0, now)
