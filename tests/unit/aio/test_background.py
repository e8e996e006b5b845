"""Tasks that run in the background of a block."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from wxbus.aio.background import background, repeat, retry_while_unavailable
from wxbus.errors import BrokerUnavailable, ConfigurationError, StoreUnavailable, Unavailable


class Work:
    """Rounds that raise the given errors, then one that sets `over`."""

    def __init__(self, *ends: Exception | None) -> None:
        self._ends = deque(ends)
        self.over = asyncio.Event()

    async def round(self) -> None:
        """End the round."""
        await asyncio.sleep(0)
        if not self._ends:
            self.over.set()
            return
        if end := self._ends.popleft():
            raise end


async def until_over(work: Work, running: Callable[[], Awaitable[None]]) -> None:
    """Return after the last round; the work itself must go on until it is cancelled."""
    task = asyncio.ensure_future(running())
    await work.over.wait()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_outage_is_logged_once_and_its_end_once() -> None:
    """One line at the beginning and one at the end, however long it lasts."""
    work = Work(StoreUnavailable("a"), BrokerUnavailable("b"), StoreUnavailable("c"), None, StoreUnavailable("d"))
    with capture_logs() as lines:
        await until_over(work, lambda: repeat(work.round, name="sweep", pause=lambda: 0.0, longest_pause=0.0))
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("background.unavailable", "a"),
        ("background.recovered", None),
        ("background.unavailable", "d"),
        ("background.recovered", None),
    ]


async def test_a_fault_is_logged_with_its_traceback() -> None:
    """A fault of one round does not end the work."""
    work = Work(LookupError("a"), LookupError("b"))
    with capture_logs() as lines:
        await until_over(work, lambda: repeat(work.round, name="sweep", pause=lambda: 0.0, longest_pause=0.0))
    assert [(line["event"], line["task"], line["exc_info"]) for line in lines] == [
        ("background.failed", "sweep", True)
    ] * 2


async def test_work_is_repeated_while_a_part_is_unavailable() -> None:
    """It ends when it returns, or with any other error."""
    work = Work(StoreUnavailable("a"), BrokerUnavailable("b"))
    with capture_logs() as lines:
        await retry_while_unavailable(work.round, name="consumer", pause=0.0)
    assert work.over.is_set()
    assert [line["reason"] for line in lines] == ["a", "b"]
    with pytest.raises(ConfigurationError):
        await retry_while_unavailable(Work(ConfigurationError("no")).round, name="consumer", pause=0.0)


async def test_a_group_of_outages_is_an_outage() -> None:
    """A group that contains another error is a fault."""
    outages = ExceptionGroup("tasks", [StoreUnavailable("a"), ExceptionGroup("more", [BrokerUnavailable("b")])])
    mixed = ExceptionGroup("tasks", [StoreUnavailable("a"), LookupError("b")])
    with capture_logs() as lines:
        await retry_while_unavailable(Work(outages).round, name="rebalancer", pause=0.0)
        await until_over(
            work := Work(outages, mixed), lambda: repeat(work.round, name="sweep", pause=lambda: 0.0, longest_pause=0.0)
        )
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("background.unavailable", "a; b"),
        ("background.unavailable", "a; b"),
        ("background.failed", None),
        ("background.recovered", None),
    ]
    with pytest.raises(ExceptionGroup):
        await retry_while_unavailable(Work(mixed).round, name="rebalancer", pause=0.0)


async def test_background_work_that_fails_is_logged_at_once() -> None:
    """Not only at the end of the block."""
    ended = asyncio.Event()

    async def failing() -> None:
        ended.set()
        raise LookupError("a")

    with capture_logs() as lines:
        async with background(failing()):
            await ended.wait()
            await asyncio.sleep(0)
            assert [line["event"] for line in lines] == ["background.ended"]


def _leaves(kind: type[Unavailable]) -> list[type[Unavailable]]:
    return [kind, *(leaf for sub in kind.__subclasses__() for leaf in _leaves(sub))]


@pytest.mark.parametrize("kind", _leaves(Unavailable))
async def test_no_kind_of_outage_ends_background_work(kind: type[Unavailable]) -> None:
    """Each subclass of `Unavailable` is waited for."""
    work = Work(kind("away"))
    await until_over(work, lambda: repeat(work.round, name="sweep", pause=lambda: 0.0, longest_pause=0.0))
    await retry_while_unavailable(Work(kind("away")).round, name="consumer", pause=0.0)
