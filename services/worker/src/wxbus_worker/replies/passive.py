"""Answers ingress while it waits: with a reply, with the handler's own answer, or with no reply.

Only ingress knows whether WeChat received the answer. So the commit keeps the reply pending, and a note in the user's
lane says later whether it was delivered (`wxbus_worker.store.pending_replies`).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from wxbus.accounts.models import Account
from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable
from wxbus.telemetry import step
from wxbus.wechat import Message
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.replies.channels import not_sendable, passive_document
from wxbus_worker.store.pending_replies import PendingReplies
from wxbus_worker.store.ports import ContextKey, PendingReply

ANSWER_BUDGET: Final = 1.0
"""Seconds for RabbitMQ's confirm; ingress does not wait much longer."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Caller:
    """The ingress process that published a delivery, and may wait for an answer."""

    envelope: Envelope
    arrived: float
    """`time.monotonic()` of the delivery's arrival."""
    answered: bool = False

    @property
    def seconds_left(self) -> float:
        """Return how long ingress still waits, at most: it started before the delivery arrived."""
        if self.answered or self.envelope.reply_to is None or self.envelope.expiration is None:
            return 0.0
        return self.envelope.expiration - (time.monotonic() - self.arrived)


class Answerer:
    """Answers each caller at most once."""

    def __init__(self, publisher: PublisherPort, pending: PendingReplies, *, grace: float) -> None:
        """`grace`: seconds after ingress's deadline in which its note may still arrive."""
        self._publisher = publisher
        self._pending = pending
        self._grace = grace

    def pending_reply(
        self,
        caller: Caller | None,
        dedup_key: str,
        message: Message,
        account: Account,
        replies: Sequence[AnyReply],
        answer: Mapping[str, Any] | None,
    ) -> PendingReply | None:
        """Return the answer that the commit must store: the handler's own `answer`, else one of the replies."""
        if answer is not None:
            return PendingReply(PassiveAnswer(answer))
        if caller is None or caller.envelope.openid is None or account.reply == "customer_service":
            return None
        seconds = caller.seconds_left
        if seconds <= 0 or (chosen := _passive(replies, message, account, caller.envelope.openid, dedup_key)) is None:
            return None
        number, document = chosen
        return PendingReply(PassiveAnswer(document, reply_id=dedup_key), number, seconds + self._grace)

    async def answer(
        self,
        caller: Caller | None,
        key: ContextKey,
        dedup_key: str,
        pending: PendingReply | None,
        *,
        committed_before: bool,
    ) -> None:
        """Answer with the committed reply, or with the pending reply of the attempt that committed before."""
        if caller is None or (seconds := caller.seconds_left) <= 0:
            return
        answer = None if pending is None else pending.answer
        if committed_before:
            wait = seconds + self._grace
            answer = await self._pending.recall(caller.envelope.account, key, dedup_key, wait=wait)
        await self._publish(caller, answer or PassiveAnswer())

    async def answer_with(self, caller: Caller, answer: PassiveAnswer) -> None:
        """Answer with a document that is not pending: no note about it is expected."""
        if caller.seconds_left > 0:
            await self._publish(caller, answer)

    async def answer_nothing(self, caller: Caller | None) -> None:
        """Answer that there is no reply."""
        if caller is not None and caller.seconds_left > 0:
            await self._publish(caller, PassiveAnswer())

    async def _publish(self, caller: Caller, answer: PassiveAnswer) -> None:
        caller.answered = True
        try:
            with step("worker.answer_ingress"):
                await self._publisher.answer(caller.envelope, answer, budget=ANSWER_BUDGET)
        except BrokerUnavailable as exc:
            log.info("answer.not_published", reason=str(exc))


def _passive(
    replies: Sequence[AnyReply], message: Message, account: Account, openid: str, dedup_key: str
) -> tuple[int, dict[str, Any]] | None:
    """Return number and document of the reply for WeChat's answer.

    A reply that cannot be sent otherwise is preferred, then the first that an answer can carry.
    """
    for number in sorted(range(len(replies)), key=lambda number: not not_sendable(replies[number], account, openid)):
        try:
            return number, passive_document(replies[number], message, account, dedup_key)
        except ValueError:
            continue
    return None
