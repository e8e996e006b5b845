"""When a failed message is tried again, and whether the user's later messages wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from wxbus.bus.topology import RETRY_DELAYS
from wxbus.errors import ConfigurationError

DELAYS: Final = {timedelta(seconds=seconds): name for name, seconds in RETRY_DELAYS.items()}
"""The delays that have a queue, with the queue's name, shortest first."""
LONGEST_BLOCK: Final = timedelta(minutes=10)
"""How long a message may block its user's lane between its attempts. RabbitMQ waits 30 minutes for an ack."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried, and how long after each failure."""

    delays: Sequence[timedelta] = tuple(DELAYS)
    """The delay after each failed attempt; the last delay repeats. Each must have a queue: see `DELAYS`."""
    attempts: int | None = None
    """Maximum number of attempts; None: one more than there are delays."""
    blocking: bool = False
    """Whether the user's later messages wait for the next attempt; else they are handled in the meantime."""

    def __post_init__(self) -> None:
        for delay in self.delays:
            if delay not in DELAYS:
                raise ConfigurationError(
                    f"retry delay {delay!r} has no queue; a delay must be a timedelta of {', '.join(RETRY_DELAYS)}"
                )
        if self.attempts is not None and self.attempts < 1:
            raise ConfigurationError(f"attempts must be 1 or more, not {self.attempts}")
        if self.max_attempts > 1 and not self.delays:
            raise ConfigurationError(f"{self.max_attempts} attempts need a delay between them")
        total = sum((self._after(attempt) for attempt in range(1, self.max_attempts)), timedelta())
        if self.blocking and total > LONGEST_BLOCK:
            raise ConfigurationError(
                f"a message may block its user's lane for {LONGEST_BLOCK.total_seconds():g} s at most, "
                f"these delays add up to {total.total_seconds():g} s"
            )

    @property
    def max_attempts(self) -> int:
        """Return the number of failed attempts after which a message is dead-lettered."""
        return len(self.delays) + 1 if self.attempts is None else self.attempts

    def delay_after(self, attempt: int, wanted: timedelta | None = None) -> str | None:
        """Return the queue for the delay after failed attempt `attempt` (from 1), or None if that was the last.

        `wanted` is rounded up to the next delay that has a queue, and down to the longest.
        """
        if attempt >= self.max_attempts:
            return None
        if wanted is None:
            return DELAYS[self._after(attempt)]
        return next((name for delay, name in DELAYS.items() if delay >= wanted), DELAYS[max(DELAYS)])

    def blocked_after(self, attempt: int, wanted: timedelta | None = None) -> float | None:
        """Return the seconds to block the lane after failed attempt `attempt`, or None if the lane is not blocked.

        `wanted` is cut so that all waits together stay below the longest block.
        """
        if not self.blocking or attempt >= self.max_attempts:
            return None
        wait = self._after(attempt) if wanted is None else min(wanted, LONGEST_BLOCK / (self.max_attempts - 1))
        return wait.total_seconds()

    def _after(self, attempt: int) -> timedelta:
        return self.delays[min(attempt, len(self.delays)) - 1]
