"""Clocks that tests set."""

import asyncio
import time
from dataclasses import dataclass

import pytest


@dataclass
class Clock:
    """A clock that only the test advances."""

    now: float = 1000.0
    """Seconds."""

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class AdvancedClock:
    """The clock of the machine, which a test can advance."""

    ahead: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return time.monotonic() + self.ahead


def advanced_loop(monkeypatch: pytest.MonkeyPatch) -> AdvancedClock:
    """Return the clock of the running loop: the test advances it when a time limit shall pass, and only then."""
    clock = AdvancedClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    return clock
