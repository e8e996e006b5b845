"""Finishes a committed message: answers ingress, then sends the replies."""

import structlog

from wxbus_worker.delivery.job import Committed
from wxbus_worker.delivery.settlement import Done, Settlement
from wxbus_worker.replies.outbox import Outbox, OutboxRun
from wxbus_worker.replies.passive import Answerer
from wxbus_worker.store.ports import ContextStore, SendLease

log = structlog.stdlib.get_logger(__name__)


class Finish:
    """Does everything that follows the commit; repeated for each delivery of the message until it succeeds."""

    def __init__(self, contexts: ContextStore, answerer: Answerer, outbox: Outbox) -> None:
        self._contexts = contexts
        self._answerer = answerer
        self._outbox = outbox

    async def __call__(self, committed: Committed) -> Settlement:
        """Answer ingress if it waits, and send all replies of the lane."""
        decoded, send_lease = committed.decoded, committed.send_lease
        job = decoded.job
        if decoded.envelope.replay and not committed.by_this_attempt:
            send_lease = await self._restore_set_aside(committed)
        # Before the replies: ingress waits for a few seconds only.
        await self._answerer.answer(
            job.caller,
            decoded.key,
            committed.dedup_key,
            committed.pending,
            committed_before=not committed.by_this_attempt,
        )
        job.interruptible = False
        job.sending = OutboxRun(
            key=decoded.key,
            account=decoded.account,
            dedup_key=committed.dedup_key,
            attempt_id=job.attempt_id,
            send_lease=send_lease,
            refused=committed.refused,
            waiting=job.waiting,
        )
        await self._outbox.send(job.sending)
        return Done()

    async def _restore_set_aside(self, committed: Committed) -> SendLease:
        """Put the replies that could not be sent before the message was dead-lettered into the outbox again."""
        decoded = committed.decoded
        decoded.job.interruptible = False  # as from a commit on
        send_lease = await self._contexts.restore_set_aside(
            decoded.key, committed.dedup_key, attempt_id=decoded.job.attempt_id
        )
        if not send_lease.entries and not send_lease.wait and decoded.envelope.attempt == 1:
            log.warning("replay.no_replies_left")
        return send_lease
