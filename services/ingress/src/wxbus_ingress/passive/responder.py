"""Answers with what a worker says: the callback waits for it until its deadline.

Only ingress knows whether WeChat got the reply. If so, it publishes a `delivered_passively` note to the user's lane;
without the note the worker sends the reply another way. A crash between the two repeats the reply and never loses it.
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
from wxbus.wechat.callbacks.crypto import VerifiedCallback
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format, Renderable
from wxbus.wechat.documents.document import text
from wxbus.wechat.replies.event_response import MINIGAME_DEADLINE, fallback_response, is_minigame_event
from wxbus.wechat.replies.reply import SUCCESS
from wxbus_ingress.accounts.endpoints import Endpoint
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.server import Request
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.passive.attempts import attempts_to_come
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.settings import Limits

MARGIN: Final = 0.1
"""Seconds of the budget that are kept for sealing and writing the answer."""
OVERTIME: Final = 0.3
"""Seconds beyond WeChat's own for which an attempt is held that is to lapse, so that it is WeChat that closes."""
CONTENT_TYPES: Final = {Format.XML: "text/xml", Format.JSON: "application/json"}

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One callback that is to be answered by a worker."""

    request: Request
    endpoint: Endpoint
    opened: VerifiedCallback
    nonce: str
    envelope: Envelope
    deadline: Deadline


class PassiveResponder:
    """Waits, answers, and tells the worker."""

    def __init__(self, inbox: Inbox, waiting: PendingAnswers, limits: Limits, metrics: Metrics) -> None:
        self._inbox = inbox
        self._waiting = waiting
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, call: Call) -> web.Response:
        """Hand a callback over, and answer with what its handler says, or as is safe without.

        Raises:
            Unavailable: It could not be stored within the budget.
        """
        to_come = self._attempts_to_come(call)
        answer = await self._answer(call, wanted_later=to_come * self._limits.wechat_waits)
        if answer is not None and answer.document is not None:
            response = self._sealed(call, answer.document)
            if response is not None:
                return await self._given(call, response, answer.reply_id)
        if answer is None and to_come:
            return await self._lapsed(call)
        self._count(call, "late" if answer is None else "nothing")
        return self._without(call)

    async def _answer(self, call: Call, *, wanted_later: float) -> PassiveAnswer | None:
        """Return what the worker says, None if it has not said anything by the deadline."""
        left = self._left(call)
        envelope = replace(
            call.envelope,
            reply_to=REPLY_TO,
            correlation_id=call.envelope.id,
            expiration=max(0.0, left - MARGIN) + wanted_later,
        )
        with self._waiting.expect(envelope.id) as awaited:
            await self._inbox.publish(envelope, budget=left)
            call.endpoint.accepted.inc()
            self._metrics.seconds.observe(call.deadline.used())
            await asyncio.wait({awaited}, timeout=max(0.0, self._left(call) - MARGIN))
            return awaited.result() if awaited.done() else None

    async def _given(self, call: Call, response: web.Response, reply_id: str) -> web.Response:
        """Write the answer, and tell the worker that WeChat has it."""
        if not await _written(call.request, response):
            self._count(call, "gone")
            return response
        self._count(call, "answered")
        if reply_id:
            try:
                await self._inbox.publish(delivered_passively(call.envelope, reply_id), budget=self._limits.budget)
            except Unavailable as exc:
                log.warning("note.lost", account=call.envelope.account, id=call.envelope.id, reason=str(exc))
        return response

    async def _lapsed(self, call: Call) -> web.Response:
        """Let WeChat give this attempt up: the next one gets the reply, if it is there by then."""
        self._count(call, "lapsed")
        await asyncio.sleep(max(0.0, self._limits.wechat_waits + OVERTIME - call.deadline.used()))
        if call.request.transport is not None:
            call.request.transport.abort()
        return web.Response(status=503)  # to nobody

    def _without(self, call: Call) -> web.Response:
        """Return what is answered when no handler has."""
        if self._is_synchronous(call) and (document := fallback_response(call.opened.document)):
            response = self._sealed(call, document)
            if response is not None:
                return response
        return web.Response(body=SUCCESS, content_type="text/plain")

    def _sealed(self, call: Call, document: Mapping[str, Renderable]) -> web.Response | None:
        """Return the answer in the mode and format of the push, with its key; None if it cannot be written so."""
        opened = call.opened
        try:
            body = codec.render(document, opened.format)
            if opened.mode is not Mode.PLAIN and not is_minigame_event(opened.document):
                # The push's, not the current one: while keys are being changed WeChat may have only the former.
                body = call.endpoint.crypto.seal(
                    body,
                    opened.format,
                    timestamp=int(time.time()),
                    nonce=call.nonce,
                    key=opened.key,
                    customer=opened.customer,
                )
        except (TypeError, ValueError) as exc:
            log.warning("answer.not_sealed", account=call.envelope.account, id=call.envelope.id, reason=str(exc))
            return None
        return web.Response(body=body, content_type=CONTENT_TYPES[opened.format], charset="utf-8")

    def _attempts_to_come(self, call: Call) -> int:
        if call.endpoint.account.late_reply != "retry_window" or self._is_synchronous(call):
            return 0
        return attempts_to_come(call.opened.document, call.envelope.received_at, self._limits)

    def _left(self, call: Call) -> float:
        waits = MINIGAME_DEADLINE - call.deadline.used() if is_minigame_event(call.opened.document) else None
        return max(0.0, call.deadline.left(at_most=waits))

    def _is_synchronous(self, call: Call) -> bool:
        event = text(call.opened.document, "Event")
        return bool(event) and call.endpoint.account.is_synchronous(event)

    def _count(self, call: Call, outcome: str) -> None:
        self._metrics.answers.labels(call.endpoint.account.name, outcome).inc()
        log.debug("callback.answered", account=call.envelope.account, id=call.envelope.id, outcome=outcome)


async def _written(request: Request, response: web.Response) -> bool:
    """Return whether the whole answer went out to somebody who was still there."""
    if request.transport is None or request.transport.is_closing():
        return False
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return False
    return True
