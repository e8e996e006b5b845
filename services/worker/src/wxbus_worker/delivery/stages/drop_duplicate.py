"""A message that was committed before runs no handler; what it left in the outbox is sent."""

import structlog

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.store.ports import dedup_key_of

log = structlog.stdlib.get_logger(__name__)


class DropDuplicate:
    """Goes straight to `finish` with a duplicate."""

    def __init__(self, finish: Next, metrics: WorkerMetrics) -> None:
        self._finish = finish
        self._metrics = metrics

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest for a message that was not committed yet."""
        if not job.opened.duplicate or job.dedup_key != dedup_key_of(job.envelope):  # its route wants copies, too
            return await call_next(job)
        self._metrics.duplicates.inc()
        log.info("delivery.duplicate", attempt=job.attempt)
        return await self._finish(job)
