"""Token buckets: a rate limit per name."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

N = TypeVar("N", bound=Hashable)

NAMES: Final = 10_000
"""Default number of names; the least recently used one is dropped first."""


class Buckets(Generic[N]):
    """One bucket per name, refilled over time; it counts in this process only."""

    def __init__(
        self, rate: float, burst: float, *, names: int = NAMES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Each bucket holds `burst` and gains `rate` a second."""
        if rate <= 0 or burst < 1:
            raise ValueError("the rate must be above 0 a second, the burst at least 1")
        self._rate = rate
        self._burst = burst
        self._names = names
        self._clock = clock
        self._buckets: OrderedDict[N, tuple[float, float]] = OrderedDict()
        """Remaining tokens, and the time at which they were counted."""

    def wait(self, name: N) -> float:
        """Return the seconds until `take` succeeds; 0.0 if it succeeds now."""
        left, _ = self._now(name)
        return 0.0 if left >= 1.0 else (1.0 - left) / self._rate

    def take(self, name: N) -> float:
        """Take a token and return 0.0; if there is none, return the seconds to wait."""
        left, now = self._now(name)
        if left < 1.0:
            return (1.0 - left) / self._rate
        self._buckets[name] = (left - 1.0, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._names:
            self._buckets.popitem(last=False)
        return 0.0

    def _now(self, name: N) -> tuple[float, float]:
        now = self._clock()
        left, since = self._buckets.get(name, (self._burst, now))
        return min(self._burst, left + (now - since) * self._rate), now
