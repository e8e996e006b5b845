"""Stop signals; for a second signal to real processes see `test_processes`."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from wxbus.runtime.signals import SIGNALS, stop_signal


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore pytest's signal handlers."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_signal_sets_the_event_and_the_second_ends_the_process(number: signal.Signals) -> None:
    """The first signal sets the event; the second ends the process, even with a blocked loop."""
    stopping = stop_signal()
    assert not stopping.is_set()
    signal.raise_signal(number)
    async with asyncio.timeout(30):
        await stopping.wait()
    assert [signal.getsignal(one) for one in SIGNALS] == [signal.SIG_DFL] * len(SIGNALS)


async def test_a_containers_first_process_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system ignores signals to it that have no handler."""
    codes: list[int] = []
    raise_signal = signal.raise_signal
    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(signal, "raise_signal", lambda _number: None)  # as the system: nothing happens
    stop_signal()
    raise_signal(signal.SIGINT)
    raise_signal(signal.SIGTERM)
    assert codes == [128 + signal.SIGTERM]
