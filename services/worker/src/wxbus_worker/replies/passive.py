"""Answers ingress while it waits: with a reply, with a handler's own answer, or that there is nothing to wait for.

Only ingress knows whether WeChat was answered with it. Here the reply is held with the commit, before anybody is told
of it, and a note through the lane says what became of it (`wxbus_worker.store.pending_replies`).
"""

import time
from collections.abc import Sequence
from typing import Any, Final

import structlog

from wxbus.accounts.models import Account
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable
from wxbus.wechat import Message
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.delivery.job import Job
from wxbus_worker.replies.channels import not_sendable, passive_document
from wxbus_worker.store.pending_replies import PendingReplies
from wxbus_worker.store.ports import ContextKey, PendingReply

ANSWER_BUDGET: Final = 1.0
"""Seconds for RabbitMQ's confirm; who waits will not wait much longer."""

log = structlog.stdlib.get_logger(__name__)


class Answerer:
    """Tells those who wait, each at most once."""

    def __init__(self, publisher: PublisherPort, replies: PendingReplies, *, grace: float) -> None:
        """`grace`: seconds after the end of the waiting in which ingress may still say that it took a reply."""
        self._publisher = publisher
        self._replies = replies
        self._grace = grace

    def to_hold(self, job: Job) -> PendingReply | None:
        """Return what the commit is to hold for the one who waits, before it is told."""
        if job.answer is not None:
            return PendingReply(PassiveAnswer(job.answer))
        left = _left(job)
        if left <= 0 or job.envelope.openid is None or job.account.reply == "customer_service":
            return None
        chosen = _passive(job.replies, job.message, job.account)
        if chosen is None:
            return None
        number, document = chosen
        return PendingReply(PassiveAnswer(document, reply_id=job.dedup_key), number, left + self._grace)

    async def answer(self, job: Job) -> None:
        """Answer with what the commit holds; a duplicate with what is still held of the first commit."""
        left = _left(job)
        if left <= 0:
            return
        if job.pending is not None:
            answer: PassiveAnswer | None = job.pending.answer
        elif job.committed:
            answer = None
        else:
            key = ContextKey.of(job.envelope)
            answer = await self._replies.recall(job.envelope.account, key, job.dedup_key, wait=left + self._grace)
        await self._tell(job, answer or PassiveAnswer())

    async def nothing(self, job: Job) -> None:
        """Say that no answer will come: it is not to be waited for."""
        if hasattr(job, "envelope") and _left(job) > 0:  # else it was unreadable, or nobody waits
            await self._tell(job, PassiveAnswer())

    async def _tell(self, job: Job, answer: PassiveAnswer) -> None:
        job.answered = True
        try:
            await self._publisher.answer(job.envelope, answer, budget=ANSWER_BUDGET)
        except BrokerUnavailable as exc:
            log.info("answer.not_sent", reason=str(exc))


def _left(job: Job) -> float:
    """Return the seconds for which an answer is still waited for; never too few, as ingress began before us."""
    envelope = job.envelope
    if job.answered or envelope.reply_to is None or envelope.expiration is None:
        return 0.0
    return envelope.expiration - (time.monotonic() - job.delivery.arrived)


def _passive(replies: Sequence[AnyReply], message: Message, account: Account) -> tuple[int, dict[str, Any]] | None:
    """Return number and document of the reply that WeChat can be answered with.

    That is one that goes no other way, else the first that goes this way, too.
    """
    for number in sorted(range(len(replies)), key=lambda number: not not_sendable(replies[number], account)):
        try:
            return number, passive_document(replies[number], message, account)
        except ValueError:
            continue
    return None
