"""Answers callbacks with the worker's reply, for which they wait until their deadline.

Only ingress knows which response WeChat received. After sending a reply, it publishes a note to the user's lane;
without the note the worker sends the reply by customer service. If ingress is killed between the two, the reply is sent
twice, never lost.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog
from aiohttp import web

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import REPLY_TO, PassiveAnswer, delivered_passively
from wxbus.bus.ports import Inbox
from wxbus.errors import Unavailable
from wxbus.telemetry import step
from wxbus.wechat.callbacks.crypto import VerifiedCallback
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format, Renderable
from wxbus.wechat.documents.document import text
from wxbus.wechat.replies.event_response import (
    MINIGAME_DEADLINE,
    SUCCESS,
    fallback_response,
    is_minigame_event,
)
from wxbus_ingress.accounts.endpoints import Endpoint
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.request import Request
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.passive.attempts import remaining_attempts
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.settings import Limits

MARGIN: Final = 0.1
"""Seconds of the budget that are reserved for encrypting and writing the response."""
OVERTIME: Final = 0.3
"""Seconds beyond WeChat's timeout for which an attempt stays open, so that WeChat closes it and repeats."""
CONTENT_TYPES: Final = {Format.XML: "text/xml", Format.JSON: "application/json"}

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCallback:
    """A callback that a worker is to answer."""

    request: Request
    endpoint: Endpoint
    opened: VerifiedCallback
    nonce: str
    envelope: Envelope
    deadline: Deadline


class PassiveResponder:
    """Publishes a callback, waits for the worker's answer, and responds to WeChat."""

    def __init__(self, inbox: Inbox, pending: PendingAnswers, limits: Limits, metrics: Metrics) -> None:
        self._inbox = inbox
        self._pending = pending
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, callback: WaitingCallback) -> web.Response:
        """Return the response: the handler's reply, or the default of the event.

        Raises:
            Unavailable: The callback could not be stored within the budget.
        """
        attempts = self._remaining_attempts(callback)
        answer = await self._wait_for_answer(callback, retry_window=attempts * self._limits.wechat_timeout)
        if answer is not None and answer.document is not None:
            response = self._encode(callback, answer.document)
            if response is not None:
                return await self._send_reply(callback, response, answer.reply_id)
        if answer is None and attempts:
            return await self._leave_to_retry(callback)
        self._count(callback, "timeout" if answer is None else "empty")
        return self._default_response(callback)

    async def _wait_for_answer(self, callback: WaitingCallback, *, retry_window: float) -> PassiveAnswer | None:
        """Return the worker's answer, or None after the deadline."""
        left = self._left(callback)
        envelope = replace(
            callback.envelope,
            reply_to=REPLY_TO,
            correlation_id=callback.envelope.id,
            expiration=max(0.0, left - MARGIN) + retry_window,
        )
        with self._pending.expect(envelope.id) as future:
            await self._inbox.publish(envelope, budget=left)
            callback.endpoint.accepted.inc()
            self._metrics.accept_duration.observe(callback.deadline.used())
            with step("ingress.wait_for_answer") as waiting:
                await asyncio.wait({future}, timeout=max(0.0, self._left(callback) - MARGIN))
                if not future.done():
                    waiting.fail("timeout")
            return future.result() if future.done() else None

    async def _send_reply(self, callback: WaitingCallback, response: web.Response, reply_id: str) -> web.Response:
        """Write the response, then publish the note that WeChat has the reply."""
        if not await callback.request.write(response):
            self._count(callback, "disconnected")
            return response
        self._count(callback, "replied")
        if reply_id:
            envelope = callback.envelope
            try:
                await self._inbox.publish(delivered_passively(envelope, reply_id), budget=self._limits.budget)
            except Unavailable as exc:
                log.warning("passive_reply.note_lost", account=envelope.account, id=envelope.id, reason=str(exc))
        return response

    async def _leave_to_retry(self, callback: WaitingCallback) -> web.Response:
        """Let WeChat's attempt time out: the next one gets the reply if it is ready by then."""
        self._count(callback, "retry")
        await asyncio.sleep(max(0.0, self._limits.wechat_timeout + OVERTIME - callback.deadline.used()))
        if callback.request.transport is not None:
            callback.request.transport.abort()
        return web.Response(status=503)  # the connection is closed: nothing is sent

    def _default_response(self, callback: WaitingCallback) -> web.Response:
        """Return the response without a handler's reply."""
        if self._is_synchronous(callback) and (document := fallback_response(callback.opened.document)):
            response = self._encode(callback, document)
            if response is not None:
                return response
        body = b"" if callback.endpoint.account.is_robot else SUCCESS
        return web.Response(body=body, content_type="text/plain")

    def _encode(self, callback: WaitingCallback, document: Mapping[str, Renderable]) -> web.Response | None:
        """Return the response in the mode and format of the push; None if the document cannot be encoded."""
        opened = callback.opened
        try:
            body = codec.render(document, opened.format)
            if opened.mode is not Mode.PLAIN and not is_minigame_event(opened.document):
                # The key of the push, not the current one: while keys change WeChat may have only the previous one.
                body = callback.endpoint.crypto.seal(
                    body,
                    opened.format,
                    timestamp=int(time.time()),
                    nonce=callback.nonce,
                    key=opened.key,
                    customer=opened.customer,
                )
        except (TypeError, ValueError) as exc:
            envelope = callback.envelope
            log.warning("passive_reply.not_encodable", account=envelope.account, id=envelope.id, reason=str(exc))
            return None
        return web.Response(body=body, content_type=CONTENT_TYPES[opened.format], charset="utf-8")

    def _remaining_attempts(self, callback: WaitingCallback) -> int:
        if callback.endpoint.account.late_reply != "retry_window" or self._is_synchronous(callback):
            return 0
        return remaining_attempts(callback.opened.document, callback.envelope.received_at, self._limits)

    def _left(self, callback: WaitingCallback) -> float:
        limit = MINIGAME_DEADLINE - callback.deadline.used() if is_minigame_event(callback.opened.document) else None
        return max(0.0, callback.deadline.left(at_most=limit))

    def _is_synchronous(self, callback: WaitingCallback) -> bool:
        event = text(callback.opened.document, "Event")
        return bool(event) and callback.endpoint.account.is_synchronous(event)

    def _count(self, callback: WaitingCallback, outcome: str) -> None:
        self._metrics.passive_replies.labels(callback.endpoint.account.name, outcome).inc()
        log.debug("callback.answered", account=callback.envelope.account, id=callback.envelope.id, outcome=outcome)
