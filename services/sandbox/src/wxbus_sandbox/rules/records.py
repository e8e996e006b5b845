"""What the sandbox remembers for those who look: customer-service messages, and pushes with their attempts."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """Something that happened."""

    @property
    def time(self) -> float:
        """Return when, in seconds since the epoch on the sandbox's clock."""
        ...


R = TypeVar("R", bound=Timed)


class Record(Generic[R]):
    """The last so many things that happened, to look through or to wait for."""

    def __init__(self, keep: int) -> None:
        self._kept: deque[R] = deque(maxlen=keep)
        self._added = 0
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, entry: R) -> None:
        """Remember one more."""
        self._kept.append(entry)
        self._added += 1
        self._wake()

    def find(self, wanted: Callable[[R], bool]) -> list[R]:
        """Return those that are wanted, oldest first."""
        return [entry for entry in self._kept if wanted(entry)]

    async def wait(self, wanted: Callable[[R], bool], *, count: int, timeout: float) -> list[R]:
        """Return those that are wanted as soon as there are `count`; what there is when `timeout` seconds are over."""
        found, seen = self.find(wanted), self._added
        try:
            async with asyncio.timeout(timeout):
                while len(found) < count and not self._closed:
                    await self._changed.wait()
                    # Only what is new: under load somebody always waits, and looking through everything adds up.
                    newest_first = islice(reversed(self._kept), self._added - seen)
                    found += reversed([entry for entry in newest_first if wanted(entry)])
                    seen = self._added
        except TimeoutError:
            pass
        return found

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closed = True
        self._wake()

    def reset(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
