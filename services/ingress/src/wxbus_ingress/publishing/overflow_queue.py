"""Callbacks that wait in memory while the spool refuses them and is being drained."""

import asyncio
from collections.abc import Awaitable, Callable

from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable, SpoolUnavailable


class OverflowQueue:
    """Retries to spool callbacks in the order of arrival until the spool accepts them or is empty."""

    def __init__(self, publisher: PublisherPort, spooling: asyncio.Event) -> None:
        """`spooling` is set while the spool is in use."""
        self._publisher = publisher
        self._spooling = spooling
        self._lock = asyncio.Lock()
        self._progress = asyncio.Event()
        self.size = 0

    def retry(self) -> None:
        """Let the first callback try again: the spool changed, or draining failed."""
        self._progress.set()

    async def wait(self, add: Callable[[], Awaitable[None]], *, until: float, reason: str) -> bool:
        """Wait for the spool.

        Args:
            add: Adds the callback to the spool, or raises SpoolUnavailable.
            until: The loop's time at which waiting ends.
            reason: Why the spool refused the callback.

        Returns:
            True: The spool accepted it. False: The spool is empty, and the callback can be published now.

        Raises:
            SpoolUnavailable: Neither happened in time, or RabbitMQ is unavailable.
        """
        self.size += 1
        try:
            async with asyncio.timeout_at(until), self._lock:
                while self._spooling.is_set():
                    await self._check_draining(reason)
                    self._progress.clear()
                    try:
                        await add()
                    except SpoolUnavailable as exc:
                        reason = str(exc)
                        await self._progress.wait()
                    else:
                        return True
        except TimeoutError as exc:
            raise SpoolUnavailable(f"{reason}; RabbitMQ did not confirm the rest of the spool in time") from exc
        else:
            return False  # the caller awaits nothing before it publishes, so the next callback stays behind it
        finally:
            self.size -= 1

    async def _check_draining(self, reason: str) -> None:
        try:
            await self._publisher.check()
        except BrokerUnavailable as exc:
            raise SpoolUnavailable(f"{exc}; {reason}") from exc
