"""Signals of `make run`."""

import signal
import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from wxbus_local.commands import errors_printed
from wxbus_local.console.screen import Screen


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the handlers of the test process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class SignalWhenFinalized:
    """Receives SIGINT while Python finalizes it, and Python drops the handler's exception."""

    def __del__(self) -> None:
        """Receive the signal."""
        signal.raise_signal(signal.SIGINT)


def test_a_signal_during_a_finalizer_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is set, so the run stops although no exception reaches it."""
    dropped: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)

    with errors_printed(Screen(Console(quiet=True))) as stopping:
        SignalWhenFinalized()

        assert (len(dropped), stopping.is_set()) == (1, True)
