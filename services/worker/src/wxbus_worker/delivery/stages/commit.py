"""Context, marker and replies become durable together; from here on the message is done, whatever happens."""

from wxbus.errors import WxbusError
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.replies.passive import Answerer
from wxbus_worker.store.ports import ContextKey, ContextStore


class CommitConflict(WxbusError):
    """The lane has changed since it was opened, nothing was written: open it again and run the handler again."""


class Commit:
    """Commits what the handler did, once."""

    def __init__(self, store: ContextStore, answerer: Answerer) -> None:
        self._store = store
        self._answerer = answerer

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest after the commit, or raise CommitConflict."""
        remove = isinstance(job.message, ContextExpired)
        if not remove:
            job.context.record(job.document, job.replies, received_at=job.envelope.received_at)
        # Interrupted between here and the last reply, the next owner would have to wait for our turn to lapse.
        job.interruptible = False
        key = ContextKey.of(job.envelope)
        pending = self._answerer.to_hold(job)
        outcome = await self._store.commit(
            key,
            job.dedup_key,
            job.opened,
            job.replies,
            attempt_id=job.id,
            remove=remove,
            account=job.envelope.account,
            pending=pending,
        )
        if outcome.status == "conflict":
            job.interruptible = True
            raise CommitConflict
        if outcome.status == "committed":
            job.committed, job.pending = True, pending
        job.send_lease = outcome.send_lease
        return await call_next(job)
