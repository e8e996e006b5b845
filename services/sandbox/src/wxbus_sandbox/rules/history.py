"""A bounded history of messages or pushes."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """The last entries, to search and to wait for."""

    def __init__(self, size: int) -> None:
        self._entries: deque[T] = deque(maxlen=size)
        self._added = 0
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, entry: T) -> None:
        """Add an entry."""
        self._entries.append(entry)
        self._added += 1
        self._wake()

    def find(self, wanted: Callable[[T], bool]) -> list[T]:
        """Return the wanted entries, oldest first."""
        return [entry for entry in self._entries if wanted(entry)]

    async def wait(self, wanted: Callable[[T], bool], *, count: int, timeout: float) -> list[T]:
        """Return the wanted entries once there are `count`, or those there are after `timeout` seconds."""
        found, seen = self.find(wanted), self._added
        try:
            async with asyncio.timeout(timeout):
                while len(found) < count and not self._closed:
                    await self._changed.wait()
                    # Only new entries: under load there is always a waiter, and a full search is slow.
                    newest_first = islice(reversed(self._entries), self._added - seen)
                    found += reversed([entry for entry in newest_first if wanted(entry)])
                    seen = self._added
        except TimeoutError:
            pass
        return found

    def close(self) -> None:
        """End all waits."""
        self._closed = True
        self._wake()

    def reset(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
