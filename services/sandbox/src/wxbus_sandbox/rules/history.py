"""A bounded history of messages or pushes."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """The last entries, to search and to wait for."""

    def __init__(self, size: int) -> None:
        self._entries: deque[T] = deque(maxlen=size)
        self.added = 0
        """The number of all entries so far; also the number of the newest entry."""
        self._changed = asyncio.Event()
        self.closed = False
        """Whether all waits have ended."""
        self.epoch = secrets.token_hex(4)
        """Changes with each reset, and with each process."""
        self.listeners: set[Callable[[], None]] = set()
        """Called after each change."""

    def add(self, entry: T) -> None:
        """Add an entry."""
        self._entries.append(entry)
        self.added += 1
        self._wake()

    def find(self, wanted: Callable[[T], bool]) -> list[T]:
        """Return the wanted entries, oldest first."""
        return [entry for entry in self._entries if wanted(entry)]

    def numbered(self, number: int) -> T | None:
        """Return the entry with this number, as `since` counts; None without it."""
        index = number - (self.added - len(self._entries)) - 1
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def since(self, seen: int, *, at_most: int) -> Iterator[tuple[int, T]]:
        """Yield the newest entries after the entry with the number `seen`, each with its number, oldest first."""
        count = min(self.added - seen, len(self._entries), at_most)
        newest = list(islice(reversed(self._entries), max(count, 0)))
        yield from zip(range(self.added - len(newest) + 1, self.added + 1), reversed(newest), strict=True)

    async def wait(self, wanted: Callable[[T], bool], *, count: int, timeout: float) -> list[T]:
        """Return the wanted entries once there are `count`, or the entries found after `timeout` seconds."""
        found, seen = self.find(wanted), self.added
        try:
            async with asyncio.timeout(timeout):
                while len(found) < count and not self.closed:
                    await self._changed.wait()
                    # Only new entries: under load there is always a waiter, and a full search is slow.
                    newest_first = islice(reversed(self._entries), self.added - seen)
                    found += reversed([entry for entry in newest_first if wanted(entry)])
                    seen = self.added
        except TimeoutError:
            pass
        return found

    def close(self) -> None:
        """End all waits."""
        self.closed = True
        self._wake()

    def reset(self) -> None:
        """Remove all entries."""
        self._entries.clear()
        self.epoch = secrets.token_hex(4)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self.listeners:
            listener()
