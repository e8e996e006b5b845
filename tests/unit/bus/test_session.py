"""How the end of an AMQP session is noticed."""

import asyncio

from wxbus.bus.amqp.connection import HEARTBEAT
from wxbus.bus.amqp.session import wait_for_end


async def test_a_suspended_process_ends_its_session() -> None:
    """A gap of the clock larger than the heartbeat ends the session: prefetched messages are not processed."""
    clock = iter([0.0, 0.1, 1.0, 1.0 + HEARTBEAT + 0.1])

    reason = await wait_for_end(asyncio.get_running_loop().create_future(), clock=lambda: next(clock), tick=0)

    assert "suspended" in reason


async def test_a_session_ends_with_the_given_reason() -> None:
    """The wait for the end of a session returns the reason that was given."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    ended.set_result("stopped")

    assert await wait_for_end(ended) == "stopped"
