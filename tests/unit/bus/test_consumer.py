import asyncio

import pytest

from wxbus.bus import consumer


async def test_a_process_that_stood_still_ends_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap of the clock larger than the heartbeat means that the connection is gone: its buffer is not worked off."""
    clock = iter([0.0, 0.1, 1.0, 1.0 + consumer.TICK + consumer.HEARTBEAT + 0.1])
    monkeypatch.setattr(consumer, "monotonic", lambda: next(clock))
    monkeypatch.setattr(consumer, "TICK", 0)

    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    assert "stood still" in await consumer._until(over)


async def test_a_session_ends_with_its_reason() -> None:
    """What ended a session is passed on."""
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    over.set_result("stopped")

    assert await consumer._until(over) == "stopped"
