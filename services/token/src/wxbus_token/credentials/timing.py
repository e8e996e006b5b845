"""How long everything takes at most, and how often it is done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of all kinds; the defaults are meant for WeChat."""

    lease: float = 15.0
    """Of the lock: longer than a fetch may take; renewed while the holder lives."""
    refresh_margin: float = 300.0
    """Refresh so long before the end: from then on WeChat gives the next token (protocol reference 8.1)."""
    wait_timeout: float = 8.0
    """How long a caller waits for another instance's fetch."""
    poll: float = 1.0
    """Between two readings of all records."""
    trust: float = 3.0
    """What Redis has not confirmed for so long is looked up before it is given, unless Redis is known to be away."""
    without_store: bool = False
    """Whether with Redis away values are fetched without the lock, if asking WeChat twice does no harm."""
