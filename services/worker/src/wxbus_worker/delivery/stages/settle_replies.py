"""Notes about replies that are held: what WeChat did not get is sent."""

import structlog

from wxbus.bus.envelope import EnvelopeKind
from wxbus.errors import Reject
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Done, Settlement
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.store.pending_replies import PendingReplies
from wxbus_worker.store.ports import ContextKey

log = structlog.stdlib.get_logger(__name__)


class SettleReplies:
    """Goes straight to `finish` with a note."""

    def __init__(self, replies: PendingReplies, finish: Next, metrics: WorkerMetrics) -> None:
        self._replies = replies
        self._finish = finish
        self._metrics = metrics

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest for everything else."""
        if job.reply_id is None:
            return await call_next(job)
        envelope, job.dedup_key = job.envelope, job.reply_id
        taken = envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY
        job.interruptible = False  # as from a commit on
        released = await self._replies.release(
            envelope.account, ContextKey.of(envelope), job.reply_id, taken=taken, attempt_id=job.id
        )
        if released.status == "released":
            self._metrics.passive.labels("taken" if taken else "late").inc()
            log.info("reply.taken" if taken else "reply.late")
        job.send_lease = released.send_lease
        try:
            return await self._finish(job)
        except Reject as exc:
            # Nobody could do better with the note among the dead letters: its message is done.
            self._metrics.passive.labels("refused").inc()
            log.warning("reply.not_sent_otherwise", reason=str(exc))
            return Done()
