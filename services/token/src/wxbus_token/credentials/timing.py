"""Durations of the credential managers, and WeChat's days."""

from dataclasses import dataclass
from typing import Final

DAY: Final = 86_400
CHINA: Final = 8 * 3600
"""Offset of China's time from UTC in seconds: WeChat's days begin at midnight in China (protocol reference 12)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds; the defaults are meant for WeChat."""

    lease: float = 15.0
    """Lease of the lock: longer than a fetch may take; renewed while the holder lives."""
    wait_timeout: float = 8.0
    """How long a caller waits for another instance's fetch."""
    max_unconfirmed: float = 3.0
    """A cached value that Redis has not confirmed for this long is read again first, unless Redis is unavailable."""


def until_next_day(now: float) -> float:
    """Return the seconds until WeChat's daily quotas start again, at a time in seconds since the epoch."""
    return DAY - (now + CHINA) % DAY
