"""The worker's Lua scripts, and the conversion of their arguments and results."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from wxbus.store.batches import Argument
from wxbus.store.store import Script
from wxbus_worker.store.ports import Entry, SendLease

PACKAGE: Final = "wxbus_worker.store.lua"


class Scripts(Protocol):
    """Runs scripts: `wxbus.store.store.Store`, or `wxbus_worker.store.retrying.RetryingStore`."""

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return the result of the script."""
        ...

    async def command(self, name: str, *words: Argument) -> Any:
        """Return the answer to one idempotent command."""
        ...


def load(name: str) -> Script:
    """Return a script of `PACKAGE`."""
    return Script.of(PACKAGE, f"{name}.lua")


def load_with_lease(name: str) -> Script:
    """Return a script that claims the send lease."""
    script = load(name)
    return Script(script.name, load("send_lease").source + script.source)


def parse_send_lease(answer: Sequence[Any], until: float) -> SendLease:
    """Return a lease as `take_send_lease` in the scripts returns it.

    `until` is counted from the request, not from the answer: the lease must not seem longer than Redis grants it.
    """
    wait_ms, *entries = answer
    return SendLease(tuple(map(Entry.parse, entries)), wait_ms / 1000, until)


def to_ms(seconds: float) -> int:
    """Return whole milliseconds, at least one."""
    return max(1, round(seconds * 1000))
