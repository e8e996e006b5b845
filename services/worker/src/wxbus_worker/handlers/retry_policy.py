"""When a failed message is tried again, and whether the user's next ones wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from wxbus.bus.topology import RETRY_DELAYS
from wxbus.errors import ConfigurationError

LONGEST_BLOCK: Final = 600
"""Seconds for which a message may hold its user's lane between its attempts; RabbitMQ waits 30 minutes for it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried, and how long after each failure."""

    delays: Sequence[str] = tuple(RETRY_DELAYS)
    """Names of `wxbus.bus.topology.RETRY_DELAYS`, one after each failed attempt; the last one repeats."""
    attempts: int | None = None
    """Runs at most; None: one more than there are delays."""
    on_failure: Literal["park", "block"] = "park"
    """`schedule_retry`: the user's later messages pass until its next attempt. `block`: they wait."""

    def __post_init__(self) -> None:
        for delay in self.delays:
            if delay not in RETRY_DELAYS:
                raise ConfigurationError(f"retry delay {delay!r} is none of {', '.join(RETRY_DELAYS)}")
        if self.attempts is not None and self.attempts < 1:
            raise ConfigurationError(f"attempts must be 1 or more, not {self.attempts}")
        if self.most > 1 and not self.delays:
            raise ConfigurationError(f"{self.most} attempts need a delay between them")
        if self.on_failure not in {"park", "block"}:
            raise ConfigurationError(f"on_failure is 'park' or 'block', not {self.on_failure!r}")
        waits = sum(RETRY_DELAYS[self._after(attempt)] for attempt in range(1, self.most))
        if self.on_failure == "block" and waits > LONGEST_BLOCK:
            raise ConfigurationError(
                f"a message may block its user's lane for {LONGEST_BLOCK} s at most, these delays make {waits} s"
            )

    @property
    def most(self) -> int:
        """Return after how many failed attempts a message is buried."""
        return len(self.delays) + 1 if self.attempts is None else self.attempts

    def delay_after(self, attempt: int, wanted: float | None = None) -> str | None:
        """Return the name of the delay after failed attempt `attempt` (from 1), or None if that was the last.

        `wanted` seconds, if given, are rounded up to the next delay that has a queue, and down to the longest.
        """
        if attempt >= self.most:
            return None
        if wanted is None:
            return self._after(attempt)
        for name, seconds in RETRY_DELAYS.items():
            if seconds >= wanted:
                return name
        return tuple(RETRY_DELAYS)[-1]

    def blocked_after(self, attempt: int, wanted: float | None = None) -> float | None:
        """Return the seconds to wait in the lane after failed attempt `attempt`, or None if it is not to block.

        `wanted` seconds, if given, are cut so that all waits together stay below the longest block.
        """
        if self.on_failure != "block" or attempt >= self.most:
            return None
        return RETRY_DELAYS[self._after(attempt)] if wanted is None else min(wanted, LONGEST_BLOCK / (self.most - 1))

    def _after(self, attempt: int) -> str:
        return self.delays[min(attempt, len(self.delays)) - 1]
