"""Opens the user's context, runs the handler and commits its changes and replies.

The commit is a compare-and-set: if another worker has changed the lane meanwhile, all of it is repeated on the new
state.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import structlog

from wxbus.bus.envelope import Envelope
from wxbus.errors import RetryLater
from wxbus.telemetry import step
from wxbus.wechat import Message
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.context.records import correct_record, record
from wxbus_worker.context.traced import traced_contexts
from wxbus_worker.delivery.job import Committed, Decoded, Handled, Routed
from wxbus_worker.delivery.settlement import Abandon, Settlement
from wxbus_worker.delivery.stage import Next
from wxbus_worker.delivery.stages.call_handler import CallHandler
from wxbus_worker.handlers.filters import NO_GROUPS
from wxbus_worker.handlers.route import code_of
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.handlers.signal import BroadcastSent
from wxbus_worker.handlers.undelivered import ReplyUndelivered
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.passive import Answerer
from wxbus_worker.replies.windows import Windows
from wxbus_worker.store.ports import HOOK_MARK, ContextStore, dedup_key_of

MAX_CONFLICTS: Final = 10

Check: TypeAlias = Callable[[Decoded, Message], Awaitable[None]]
"""Runs before the handler; raises if the message must not be handled now."""

log = structlog.stdlib.get_logger(__name__)


class HandleMessage:
    """Handles a message once, however often it is delivered."""

    def __init__(
        self,
        contexts: ContextStore,
        routes: RouteTable,
        checks: Sequence[Check],
        call_handler: CallHandler,
        answerer: Answerer,
        finish: Next[Committed],
        metrics: WorkerMetrics,
        windows: Windows,
        *,
        trace_contexts: bool = False,
    ) -> None:
        self._contexts = contexts
        self._routes = routes
        self._checks = checks
        self._call_handler = call_handler
        self._answerer = answerer
        self._finish = finish
        self._metrics = metrics
        self._windows = windows
        self._trace_contexts = trace_contexts

    async def __call__(self, decoded: Decoded, message: Message, *, error: Exception | None = None) -> Settlement:
        """Handle, commit and finish a message; a message that was committed before is only finished.

        With `error`, its `on_dead` handlers handle it.
        """
        checked = False
        for _ in range(MAX_CONFLICTS):
            routed = await self._open(decoded, message, error)
            if isinstance(routed, Committed):
                return await self._finish(routed)
            # After the search for duplicates, which have the same signature and whose events are published already.
            if not checked:
                for check in self._checks:
                    await check(decoded, message)
                checked = True
            committed = await self._commit(routed, await self._call_handler(routed))
            if committed is not None:
                return await self._finish(committed)
            self._metrics.conflicts.inc()
            if decoded.job.abandoned:
                return Abandon()
        raise RetryLater(f"the context changed {MAX_CONFLICTS} times while the message was handled")

    async def _open(self, decoded: Decoded, message: Message, error: Exception | None) -> Routed | Committed:
        """Return the message with context and route, or a `Committed` if no handler must run."""
        job, envelope = decoded.job, decoded.envelope
        dedup_key = _dedup_key(envelope, message)
        # The expiry of a context that was dropped must not run its handlers: the commit would be too late to refuse it.
        with step("worker.open_context") as current:
            opened = await self._contexts.open(decoded.key, dedup_key, reread=isinstance(message, ContextExpired))
            if current.recorded:
                current.set(wxbus__version=opened.version, wxbus__duplicate=opened.duplicate)
        if isinstance(message, ContextExpired) and message.version != opened.version:
            log.info("context_expiry.superseded" if opened.version else "context_expiry.already_removed")
            return Committed(decoded, dedup_key)
        # Before the search for duplicates: the route decides whether it wants them.
        if not opened.version and self._only_corrects(message):
            return Committed(decoded, dedup_key)  # there is no context to correct
        self._windows.renew(opened.context, decoded.account, message, received_at=envelope.received_at)
        call = self._call_handler.call_for(decoded, message, opened.context, error)
        with step("worker.find_route") as current:
            route, groups = await self._routes.find(call) or (None, NO_GROUPS)
            if current.recorded:
                current.set(**code_of(route))
        job.route = route
        if route is not None and route.accepts_duplicates(message):
            # Then each push has its own dedup key; a redelivery of the same push has the same key.
            dedup_key = dedup_key_of(envelope, copies=True)
        elif opened.duplicate:
            self._metrics.duplicates.inc()
            log.info("delivery.duplicate", attempt=job.attempt)
            return Committed(decoded, dedup_key)
        return Routed(decoded, message, opened, dedup_key, route, replace(call, groups=groups) if groups else call)

    def _only_corrects(self, message: Message) -> bool:
        """Return whether the message calls no handler, and only changes what the context has recorded."""
        if isinstance(message, ReplyUndelivered):
            return not self._routes.handles(message)
        return isinstance(message, BroadcastSent)

    async def _commit(self, routed: Routed, handled: Handled) -> Committed | None:
        """Write context, dedup key and replies in one step; return None if the lane has changed since it was opened."""
        decoded, opened = routed.decoded, routed.opened
        job, envelope = decoded.job, decoded.envelope
        expired = isinstance(routed.message, ContextExpired)
        if isinstance(routed.message, ReplyUndelivered):
            note = routed.message
            correct_record(opened.context, note.reply, note.instead)
            self._windows.undelivered(opened.context, decoded.account, note.reply, note.error, at=envelope.received_at)
        delivered = (routed.message.reply,) if isinstance(routed.message, BroadcastSent) else handled.replies
        if not expired:
            record(opened.context, job.document, delivered, received_at=envelope.received_at)
        pending = self._answerer.pending_reply(
            job.caller, routed.dedup_key, routed.message, decoded.account, handled.replies, handled.answer
        )
        passive = pending.passive if pending is not None else None
        replies = () if envelope.replay else delivered  # WeChat decides about replies that an operator sends again
        refused = self._windows.spend(opened.context, decoded.account, replies, passive=passive)
        # A job that is cancelled from here on would keep the send lease, and delay the next owner's replies.
        job.interruptible = False
        with step("worker.commit") as current:
            if current.recorded and self._trace_contexts:
                current.set(**traced_contexts(opened.context, removed=expired))
            result = await self._contexts.commit(
                decoded.key,
                routed.dedup_key,
                opened,
                handled.replies,
                attempt_id=job.attempt_id,
                remove=expired,
                account=envelope.account,
                pending=pending,
            )
            if current.recorded:
                current.set(wxbus__status=result.status, wxbus__replies=len(handled.replies))
        if result.status == "conflict":
            job.interruptible = True
            return None
        by_this_attempt = result.status == "committed"
        return Committed(
            decoded,
            routed.dedup_key,
            by_this_attempt=by_this_attempt,
            pending=pending if by_this_attempt else None,
            send_lease=result.send_lease,
            refused=refused,
        )


def _dedup_key(envelope: Envelope, message: Message) -> str:
    if isinstance(message, ReplyUndelivered):  # a replay of its dead letter is not a duplicate
        return HOOK_MARK + dedup_key_of(envelope, copies=envelope.replay)
    return dedup_key_of(envelope)
