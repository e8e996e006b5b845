"""Time limits of blocks."""

import asyncio

import pytest

from wxbus.aio.timeout import Timeout


async def test_a_block_that_takes_too_long_raises_timeout_error() -> None:
    """What it awaits is cancelled; the task goes on afterwards."""
    cancelled = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    timeout = Timeout(0.01)
    with pytest.raises(TimeoutError), timeout:
        await wait()
    assert (timeout.expired, cancelled.is_set()) == (True, True)
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_block_in_time_is_left_alone() -> None:
    """Its result and its errors pass, a TimeoutError of its own too."""
    timeout = Timeout(60)
    with timeout:
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), timeout:
        raise TimeoutError
    assert not timeout.expired


async def test_another_cancellation_is_not_swallowed() -> None:
    """Also if it comes together with the end of the time."""

    async def work(timeout: Timeout) -> None:
        with timeout:
            await asyncio.Event().wait()

    early = asyncio.create_task(work(Timeout(60)))
    both = asyncio.create_task(work(timeout := Timeout(60)))
    await asyncio.sleep(0)
    early.cancel()
    timeout._expire()
    both.cancel()
    done, _ = await asyncio.wait({early, both})
    assert all(task.cancelled() for task in done)


async def test_timeouts_nest() -> None:
    """The inner one ends first; the outer one stays."""
    with Timeout(60) as outer:
        with pytest.raises(TimeoutError), Timeout(0.01):
            await asyncio.Event().wait()
        await asyncio.sleep(0)
    assert not outer.expired
