"""Redis away decides nothing: no acknowledgement, no parking, only waiting."""

from typing import Protocol

import structlog

from wxbus.errors import StoreUnavailable
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement

log = structlog.stdlib.get_logger(__name__)


class StoreAvailability(Protocol):
    """Something one can wait for: `wxbus_worker.store.retrying.RetryingStore`."""

    async def until_available(self) -> None:
        """Return when it answers."""
        ...


class WaitForStore:
    """Runs the rest again, once Redis answers, if it failed for want of Redis.

    Our own scripts wait by themselves; this is for a handler that uses the store, too.
    """

    def __init__(self, store: StoreAvailability) -> None:
        self._store = store

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest, as often as it takes."""
        while True:
            try:
                return await call_next(job)
            except StoreUnavailable as exc:
                log.warning("delivery.waits_for_store", reason=str(exc))
                job.interruptible = True
                await self._store.until_available()
