"""The end of a context that a message has kept alive meanwhile, or that is gone already, is none."""

import structlog

from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement

log = structlog.stdlib.get_logger(__name__)


class DropOutdated:
    """Goes straight to `finish` with it."""

    def __init__(self, finish: Next) -> None:
        self._finish = finish

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest for everything else."""
        if not isinstance(job.message, ContextExpired) or job.message.version == job.opened.version:
            return await call_next(job)
        log.info("context.kept_alive" if job.opened.version else "context.removed_already")
        return await self._finish(job)
