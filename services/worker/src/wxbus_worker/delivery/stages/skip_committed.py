"""A replay of a message whose changes were committed runs no handler again, however long ago that was."""

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement


class SkipCommitted:
    """Goes straight to `finish` with what was buried after its commit."""

    def __init__(self, finish: Next) -> None:
        self._finish = finish

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest for everything else."""
        if job.envelope.committed is None:
            return await call_next(job)
        job.dedup_key = job.envelope.committed
        return await self._finish(job)
