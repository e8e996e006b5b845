"""A clock that tests set."""

from dataclasses import dataclass


@dataclass
class Clock:
    """A clock that only the test advances."""

    now: float = 1000.0
    """Seconds."""

    def __call__(self) -> float:
        """Return the time."""
        return self.now
