"""Reads the user's context; reads it again when somebody else was faster to commit."""

from typing import Final

from wxbus.errors import RetryLater
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Abandon, Settlement
from wxbus_worker.delivery.stages.commit import CommitConflict
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.store.ports import ContextKey, ContextStore, dedup_key_of

MOST_CONFLICTS: Final = 10


class OpenContext:
    """Opens the lane for the rest, and again after each conflict."""

    def __init__(self, store: ContextStore, metrics: WorkerMetrics) -> None:
        self._store = store
        self._metrics = metrics

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest on what the store has now."""
        key, job.dedup_key = ContextKey.of(job.envelope), dedup_key_of(job.envelope)
        for _ in range(MOST_CONFLICTS):
            job.opened = await self._store.open(key, job.dedup_key)
            try:
                return await call_next(job)
            except CommitConflict:
                self._metrics.conflicts.inc()
                if job.abandoned:
                    return Abandon()
        raise RetryLater(f"the lane changed {MOST_CONFLICTS} times while the message was handled")
