"""The watchdog of the event loop."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from wxbus.runtime.watchdog import watched_loop

LIMIT = 0.2
pytestmark = pytest.mark.timeout(30)


def block_the_loop() -> None:
    """Block like a handler that calls a blocking library."""
    time.sleep(2 * LIMIT)


async def test_a_blocked_loop_is_reported_while_it_is_blocked() -> None:
    """The log has the stack and fields of the task; the metrics have the number and the seconds."""
    registry = CollectorRegistry()
    blamed: list[Any] = []

    def describe(task: "asyncio.Task[Any] | None") -> dict[str, str]:
        blamed.append(task)
        return {"handler": "bot.slow"}

    with capture_logs() as lines:
        async with watched_loop(registry=registry, describe=describe, limit=LIMIT):
            while not (found := [line for line in lines if "block_the_loop" in line.get("code", "")]):
                block_the_loop()  # a busy machine may block the loop, too, or freeze the process
                await asyncio.sleep(LIMIT)
    blocked = found[0]
    unblocked = lines[lines.index(blocked) + 1]
    assert (blocked["event"], blocked["handler"]) == ("loop.blocked", "bot.slow")
    assert unblocked["event"] == "loop.unblocked"
    assert unblocked["seconds"] >= LIMIT
    assert asyncio.current_task() in blamed
    assert (registry.get_sample_value("wxbus_loop_blocked_seconds_total") or 0) >= LIMIT


async def test_a_running_loop_is_not_reported() -> None:
    """Waiting is not blocking; only a busy machine makes an iteration that lasts."""
    registry = CollectorRegistry()
    moments = [time.monotonic()]
    with capture_logs() as lines:
        async with watched_loop(registry=registry, limit=LIMIT):
            while moments[-1] - moments[0] < 3 * LIMIT:
                await asyncio.sleep(LIMIT / 20)
                moments.append(time.monotonic())
    moments.append(time.monotonic())
    if max(after - before for before, after in pairwise(moments)) < LIMIT / 2:
        assert lines == []
        assert registry.get_sample_value("wxbus_loop_blocked_total") == 0
