"""When a failed message is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass

from wxbus.bus.topology import RETRY_DELAYS
from wxbus.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """One delay after each failed attempt; after as many attempts as delays and one more, there is none."""

    delays: Sequence[str] = tuple(RETRY_DELAYS)
    """Names of `wxbus.bus.topology.RETRY_DELAYS`: there is one queue for each."""

    def __post_init__(self) -> None:
        for delay in self.delays:
            if delay not in RETRY_DELAYS:
                raise ConfigurationError(f"retry delay {delay!r} is none of {', '.join(RETRY_DELAYS)}")

    def delay_after(self, attempt: int, wanted: float | None = None) -> str | None:
        """Return the name of the delay after failed attempt `attempt` (from 1), or None if that was the last.

        `wanted` seconds, if given, are rounded up to the next delay that has a queue, and down to the longest.
        """
        if attempt > len(self.delays):
            return None
        if wanted is None:
            return self.delays[attempt - 1]
        for name, seconds in RETRY_DELAYS.items():
            if seconds >= wanted:
                return name
        return tuple(RETRY_DELAYS)[-1]
