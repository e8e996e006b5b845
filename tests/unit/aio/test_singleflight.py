"""One run for all callers with the same key."""

import asyncio

import pytest
import structlog

from wxbus.aio.singleflight import SingleFlight
from wxbus.errors import StoreUnavailable


async def test_concurrent_calls_share_one_run() -> None:
    """One run per key at a time; a later call starts a new run."""
    flights: SingleFlight[str, int] = SingleFlight()
    runs = 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return runs

    assert await asyncio.gather(*(flights.do("a", work) for _ in range(5)), flights.do("b", work)) == [2] * 6
    assert await flights.do("a", work) == 3


async def test_an_error_reaches_all_callers_and_is_not_kept() -> None:
    """The next call starts a new run."""
    flights: SingleFlight[str, int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise StoreUnavailable("away")

    outcomes = await asyncio.gather(*(flights.do("a", fail) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)

    async def work() -> int:
        return 1

    assert await flights.do("a", work) == 1


async def test_a_cancelled_caller_does_not_cancel_the_run() -> None:
    """The run finishes, even without any caller."""
    flights: SingleFlight[str, int] = SingleFlight()
    gate, finished = asyncio.Event(), asyncio.Event()

    async def work() -> int:
        await gate.wait()
        finished.set()
        return 1

    callers = [asyncio.create_task(flights.do("a", work)) for _ in range(2)]
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    gate.set()
    await flights.drain()
    assert finished.is_set()


async def test_a_fault_in_a_started_run_is_logged() -> None:
    """An error of WxbusError is an expected outcome and is not logged."""
    flights: SingleFlight[str, int] = SingleFlight()

    async def bug() -> int:
        raise RuntimeError("a bug")

    async def ours() -> int:
        raise StoreUnavailable("away")

    with structlog.testing.capture_logs() as logs:
        flights.start("a", bug)
        flights.start("b", ours)
        await flights.drain()
        await asyncio.sleep(0)
    assert [(entry["event"], str(entry["exc_info"])) for entry in logs] == [("background.failed", "a bug")]


async def test_closing_cancels_the_runs() -> None:
    """Closing cancels the runs, and their callers get CancelledError."""
    flights: SingleFlight[str, int] = SingleFlight()

    async def forever() -> int:
        await asyncio.Event().wait()
        return 1

    caller = asyncio.create_task(flights.do("a", forever))
    await asyncio.sleep(0)
    await flights.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
