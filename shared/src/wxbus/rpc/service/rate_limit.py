"""A limit on how often one caller may call."""

import time
from collections.abc import Callable
from typing import Final

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.service.call import Call

BURST: Final = 2.0
"""Seconds of calls that a caller may save up."""


class RateLimit:
    """A check that refuses calls beyond `rate` a second of one principal; it counts in this process alone."""

    def __init__(self, rate: float, *, burst: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`burst` is how many calls may come at once: those of `BURST` seconds by default, at least one."""
        self._rate = rate
        self._buckets: Buckets[str] = Buckets(rate, max(1.0, rate * BURST if burst is None else burst), clock=clock)

    def __call__(self, call: Call) -> None:
        """429 with the time after which the next call is let through."""
        if wait := self._buckets.take(call.principal.name if call.principal else ""):
            raise RpcFailure(429, "Too many calls", detail=f"the limit is {self._rate:g} a second", retry_after=wait)
