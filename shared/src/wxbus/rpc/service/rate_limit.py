"""Limits the calls of each caller."""

import time
from collections.abc import Callable
from typing import Final

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.service.call import Call

BURST: Final = 2.0
"""The default burst: the number of calls that the rate allows in this many seconds."""


class RateLimit:
    """A check that refuses calls over `rate` a second of one principal, counted in this process only."""

    def __init__(self, rate: float, *, burst: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`burst` is the number of calls that may arrive at once: by default that of `BURST`, at least one."""
        self._rate = rate
        self._buckets: Buckets[str] = Buckets(rate, max(1.0, rate * BURST if burst is None else burst), clock=clock)

    def __call__(self, call: Call) -> None:
        """Refuse with 429 and the seconds until the next call is accepted."""
        if wait := self._buckets.take(call.principal.name if call.principal else ""):
            raise RpcFailure(429, "Too many calls", detail=f"the limit is {self._rate:g} a second", retry_after=wait)
