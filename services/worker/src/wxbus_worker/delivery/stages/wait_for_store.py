"""Waits while Redis is unavailable: nothing is acknowledged, retried or dead-lettered for that."""

from typing import Protocol

import structlog

from wxbus.errors import StoreUnavailable
from wxbus_worker.delivery.job import Decoded
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.delivery.stage import Next

log = structlog.stdlib.get_logger(__name__)


class StoreAvailability(Protocol):
    """Waits until Redis is available: `wxbus_worker.store.retrying.RetryingStore`."""

    async def until_available(self) -> None:
        """Return when Redis answers."""
        ...


class WaitForStore:
    """Repeats the rest once Redis is available, if it failed without Redis.

    The worker's own scripts wait for Redis themselves; this is for handlers that use the store.
    """

    def __init__(self, store: StoreAvailability) -> None:
        self._store = store

    async def __call__(self, decoded: Decoded, call_next: Next[Decoded]) -> Settlement:
        """Run the rest until no outage of Redis interrupts it."""
        while True:
            try:
                return await call_next(decoded)
            except StoreUnavailable as exc:
                log.warning("delivery.waits_for_store", reason=str(exc))
                decoded.job.interruptible = True
                await self._store.until_available()
