"""Calls the `on_dead` handlers of a message that becomes a dead letter, and sends what they return."""

from dataclasses import replace

import structlog

from wxbus.wechat import Message
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.stages.handle_message import HandleMessage
from wxbus_worker.handlers.current_delivery import CURRENT
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.handlers.signal import Outgoing
from wxbus_worker.handlers.undelivered import ReplyUndelivered

log = structlog.stdlib.get_logger(__name__)


class CallOnDead:
    """Commits the work of `on_dead` handlers under its own dedup key: a replay runs the message's handler again."""

    def __init__(self, routes: RouteTable, handle: HandleMessage) -> None:
        self._routes = routes
        self._handle = handle

    async def __call__(self, job: Job, error: Exception) -> None:
        """Call the handlers once for a message, whatever they do; a message that was committed has not failed."""
        decoded = job.decoded
        if self._routes.dead is None or decoded is None or job.sending is not None or job.abandoned:
            return
        message = decoded.content
        if not isinstance(message, Message) or isinstance(message, ContextExpired | Outgoing | ReplyUndelivered):
            return
        dedup_id = f"{decoded.envelope.dedup_id}\ndead"
        envelope = replace(decoded.envelope, dedup_id=dedup_id, plain_signature=None, replay=False)
        # A separate job without the document, which would be recorded: its replies are those of `on_dead`.
        own = Job(job.delivery, pause_lane=job.pause_lane, private=job.private, caller=job.caller)
        token = CURRENT.set(decoded.current)
        try:
            await self._handle(replace(decoded, job=own, envelope=envelope), message, error=error)
        except Exception:
            log.exception("on_dead.failed", handler=self._routes.dead.name)
        finally:
            CURRENT.reset(token)
