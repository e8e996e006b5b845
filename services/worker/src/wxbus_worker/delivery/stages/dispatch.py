"""Runs the handler of a message, and only sends replies for deliveries that need no handler."""

import structlog

from wxbus.wechat import KfPushEvent, RobotStreamPoll
from wxbus_worker.customer_service.pull import CustomerServicePuller
from wxbus_worker.delivery.job import Committed, Decoded, ReplyNote, WakeupNote
from wxbus_worker.delivery.settlement import Done, Settlement
from wxbus_worker.delivery.stage import Next
from wxbus_worker.delivery.stages.handle_message import HandleMessage
from wxbus_worker.delivery.stages.handle_undelivered import HandleUndelivered
from wxbus_worker.handlers.undelivered import ReplyUndelivered
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.robots.answers import RobotAnswers
from wxbus_worker.store.pending_replies import PendingReplies

log = structlog.stdlib.get_logger(__name__)


class Dispatch:
    """Chooses the handling of a delivery."""

    def __init__(
        self,
        pending: PendingReplies,
        handle: HandleMessage,
        handle_undelivered: HandleUndelivered,
        finish: Next[Committed],
        metrics: WorkerMetrics,
        customer_service: CustomerServicePuller | None = None,
        robots: RobotAnswers | None = None,
    ) -> None:
        self._pending = pending
        self._handle = handle
        self._handle_undelivered = handle_undelivered
        self._finish = finish
        self._metrics = metrics
        self._customer_service = customer_service
        self._robots = robots

    async def __call__(self, decoded: Decoded) -> Settlement:
        """Handle a message, settle a note about a reply, pull customer service, or finish a committed replay."""
        if decoded.envelope.committed is not None:  # however long ago: its dedup key may have expired
            return await self._finish(Committed(decoded, decoded.envelope.committed))
        settlement: Settlement = Done()
        match decoded.content:
            case WakeupNote():
                pass  # its delivery has made the worker begin its tenure, and the overflow has ended
            case ReplyNote() as note:
                settlement = await self._settle_pending(decoded, note)
            case ReplyUndelivered() as undelivered:
                settlement = await self._handle_undelivered(decoded, undelivered)
            case KfPushEvent() as push if self._customer_service is not None:
                await self._customer_service(decoded.envelope, push, arrived=decoded.job.delivery.arrived)
            case RobotStreamPoll() as poll if self._robots is not None:
                await self._robots.poll(poll, decoded.job.caller)
            case message:
                settlement = await self._handle(decoded, message)
        return settlement

    async def _settle_pending(self, decoded: Decoded, note: ReplyNote) -> Settlement:
        """Move the replies that WeChat did not get into the outbox, and send them."""
        job = decoded.job
        job.interruptible = False  # as from a commit on
        released = await self._pending.release(
            decoded.envelope.account, decoded.key, note.dedup_key, delivered=note.delivered, attempt_id=job.attempt_id
        )
        if released.status == "released":
            self._metrics.passive.labels("delivered" if note.delivered else "deadline_passed").inc()
            log.info("reply.delivered_passively" if note.delivered else "reply.deadline_passed")
        settlement = await self._finish(Committed(decoded, note.dedup_key, send_lease=released.send_lease))
        if job.sending is not None and job.sending.undelivered:
            self._metrics.passive.labels("refused").inc()
        return settlement
