"""The watchdog of the event loop."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from wxbus.runtime.watchdog import watched_loop

LIMIT = 0.2
pytestmark = pytest.mark.timeout(30)


def block_the_loop(lines: Sequence[object]) -> None:
    """Block like a handler that calls a blocking library, until the watchdog has logged it."""
    while not lines:
        time.sleep(0.01)


async def test_a_blocked_loop_is_reported_while_it_is_blocked() -> None:
    """The log has the stack and fields of the task; the metrics have the number and the seconds."""
    registry = CollectorRegistry()
    blamed: list[Any] = []

    def describe(task: "asyncio.Task[Any] | None") -> dict[str, str]:
        blamed.append(task)
        return {"handler": "bot.slow"}

    with capture_logs() as lines:
        async with watched_loop(registry=registry, describe=describe, limit=LIMIT):
            block_the_loop(lines)
            while not registry.get_sample_value("wxbus_loop_blocked_total"):  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.01)
    blocked, unblocked, *_ = lines  # a busy machine may block the loop, too
    assert (blocked["event"], blocked["handler"]) == ("loop.blocked", "bot.slow")
    assert "block_the_loop" in blocked["code"]
    assert unblocked["event"] == "loop.unblocked"
    assert unblocked["seconds"] >= LIMIT
    assert blamed[0] is asyncio.current_task()
    assert (registry.get_sample_value("wxbus_loop_blocked_seconds_total") or 0) >= LIMIT


async def test_a_running_loop_is_not_reported() -> None:
    """Waiting is not blocking."""
    registry = CollectorRegistry()
    with capture_logs() as lines:
        async with watched_loop(registry=registry):
            await asyncio.sleep(0.05)
    assert lines == []
    assert registry.get_sample_value("wxbus_loop_blocked_total") == 0
