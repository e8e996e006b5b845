"""A replay sends what could not be sent when its message died."""

import structlog

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.store.ports import ContextKey, ContextStore

log = structlog.stdlib.get_logger(__name__)


class ResumeReplies:
    """Puts the replies of a replayed message that were set aside into the outbox again."""

    def __init__(self, store: ContextStore) -> None:
        self._store = store

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest, for everything else at once."""
        if job.envelope.replay and not job.committed:
            job.interruptible = False  # as from a commit on
            job.send_lease = await self._store.restore_set_aside(
                ContextKey.of(job.envelope), job.dedup_key, attempt_id=job.id
            )
            if not job.send_lease.entries and not job.send_lease.wait and job.envelope.attempt == 1:
                log.warning("replay.nothing_left_to_send")
        return await call_next(job)
