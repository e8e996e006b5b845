"""Context, marker and replies become durable together; from here on the message is done, whatever happens."""

from wxbus.errors import WxbusError
from wxbus_worker.context_store import ContextKey, ContextStore
from wxbus_worker.expiry import ContextExpired
from wxbus_worker.job import Job
from wxbus_worker.pipeline import Next
from wxbus_worker.settlement import Settlement


class CommitConflict(WxbusError):
    """The lane has changed since it was opened, nothing was written: open it again and run the handler again."""


class Commit:
    """Commits what the handler did, once."""

    def __init__(self, store: ContextStore) -> None:
        self._store = store

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest after the commit, or raise CommitConflict."""
        remove = isinstance(job.message, ContextExpired)
        if not remove:
            job.context.record(job.document, job.replies, received_at=job.envelope.received_at)
        # Interrupted between here and the last reply, the next owner would have to wait for our turn to lapse.
        job.interruptible = False
        key = ContextKey.of(job.envelope)
        outcome = await self._store.commit(key, job.marker, job.opened, job.replies, run=job.id, remove=remove)
        if outcome.status == "conflict":
            job.interruptible = True
            raise CommitConflict
        job.turn = outcome.turn
        return await call_next(job)
