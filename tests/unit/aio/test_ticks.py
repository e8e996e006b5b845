"""Periodic work of a process shares its wake-ups."""

import asyncio

import pytest

from wxbus.aio import ticks
from wxbus.aio.ticks import until_tick


async def test_work_that_ends_at_different_moments_goes_on_at_the_same_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause has 0.5 to 1.5 intervals, so that no round follows at once; it ends at a tick of the process's grid."""
    loop = asyncio.get_running_loop()
    for phase in (0.0, 0.3, 0.999):
        monkeypatch.setattr(ticks, "PHASE", phase)
        for interval in (1.0, 0.2, 60.0):
            moments = set()
            for part in range(40):
                now = 1_000_000.0 * interval + interval * part / 40
                monkeypatch.setattr(loop, "time", lambda now=now: now)
                left = until_tick(interval)
                assert 0.5 * interval <= left <= 1.5 * interval
                moments.add(round(now + left, 6))
            assert len(moments) <= 3, "the ticks of one and a half intervals"
            assert {round((moment / interval - phase) % 1, 3) % 1 for moment in moments} == {0.0}
    monkeypatch.undo()


async def test_no_interval_is_no_pause() -> None:
    """Tests run periodic work without pauses."""
    assert until_tick(0.0) == 0.0
