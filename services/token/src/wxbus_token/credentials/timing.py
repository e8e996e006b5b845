"""Durations and intervals of the credential managers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds; the defaults are meant for WeChat."""

    lease: float = 15.0
    """Of the lock: longer than a fetch may take; renewed while the holder lives."""
    wait_timeout: float = 8.0
    """How long a caller waits for another instance's fetch."""
    max_unconfirmed: float = 3.0
    """A cached value that Redis has not confirmed for so long is looked up first, unless Redis is unavailable."""
