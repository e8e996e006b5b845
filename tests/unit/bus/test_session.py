import asyncio

import pytest

from wxbus.bus import session


async def test_a_suspended_process_ends_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap of the clock larger than the heartbeat ends the session: prefetched messages are not processed."""
    clock = iter([0.0, 0.1, 1.0, 1.0 + session.TICK + session.HEARTBEAT + 0.1])
    monkeypatch.setattr(session, "monotonic", lambda: next(clock))
    monkeypatch.setattr(session, "TICK", 0)

    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    assert "suspended" in await session._reason_of(ended)


async def test_the_reason_of_the_end_is_reported() -> None:
    """`end` sets the reason."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    ended.set_result("stopped")

    assert await session._reason_of(ended) == "stopped"
