"""Sends what stands in a lane's outbox, in order, and strikes it off one by one.

A worker that lost its partition may still be sending when the next one gets the message again. So a run sends only in
its turn: it takes one in the store, for a lease, and each send ends before the lease does.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from wxbus.accounts.models import AccountKind
from wxbus.aio.backoff import Backoff
from wxbus.errcodes import Policy
from wxbus.errors import Reject, RetryLater, WeChatError, WeChatUnavailable
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.delivery.job import Job
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.channels import not_sendable
from wxbus_worker.store.ports import ContextKey, ContextStore, Entry, SendLease

NOTHING_LOST: Final = frozenset({Policy.OK, Policy.IGNORE})
LATER: Final = frozenset({Policy.REFRESH, Policy.BACKOFF, Policy.WAIT})

log = structlog.stdlib.get_logger(__name__)


class Sender(Protocol):
    """Sends to the users of one account: `wxbus.api.client.WeChatClient`."""

    async def send(self, openid: str, reply: AnyReply) -> None:
        """Send one customer-service message."""
        ...


class Outbox:
    """Finishes outboxes."""

    def __init__(
        self,
        store: ContextStore,
        sender_of: Callable[[str], Sender],
        *,
        budget: float,
        metrics: WorkerMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sender_of` returns the client for an appid; `budget` is seconds for one reply, less than a turn's."""
        self._store = store
        self._sender_of = sender_of
        self._budget = budget
        self._undelivered = metrics.undelivered
        self._clock = clock

    async def finish(self, job: Job) -> None:
        """Send everything that stands in the outbox of the job's lane, older messages' replies first.

        Raises:
            Unavailable: WeChat or the token service is away; `job.unsent` is what is left.
            RetryLater: WeChat wants us to wait.
            Reject: WeChat refuses a reply of this message for good: it is set aside, the others are sent.
        """
        key = ContextKey.of(job.envelope)
        job.sending = True
        refused: Reject | None = None
        turn = job.send_lease
        while True:
            if turn is None or turn.wait:
                turn = await self._turn(job, key)
            left = list(turn.entries)
            until = turn.until
            try:
                while left and self._clock() + self._budget < until:
                    refusal = await self._send(job, key, left[0])
                    refused = refused or refusal
                    aside = job.dedup_key if refusal and job.reply_id is None else ""
                    until = await self._store.remove_sent(key, left[:1], attempt_id=job.id, set_aside_as=aside)
                    del left[0]
            except Exception:
                job.unsent = tuple(left)
                await self._store.remove_sent(key, (), attempt_id=job.id, end_lease=True)
                raise
            if not left:
                break
            turn = None  # this process stood still, or Redis was away: another may have gone on meanwhile
        if refused:
            raise refused

    async def give_up(self, job: Job) -> None:
        """Set aside what is left of this message's replies, so that the ones behind are not held up."""
        own = [entry for entry in job.unsent if entry.dedup_key == job.dedup_key]
        if own:
            log.error("replies.given_up", replies=len(own))
            self._undelivered.labels("given_up").inc(len(own))
            await self._store.remove_sent(
                ContextKey.of(job.envelope), own, attempt_id=job.id, set_aside_as=job.dedup_key
            )

    async def _turn(self, job: Job, key: ContextKey) -> SendLease:
        """Return our turn, after that of whoever has it."""
        backoff = Backoff(first=0.05, longest=1.0)
        while True:
            job.interruptible = False  # from here on our replies go out, whoever gets the partition
            turn = await self._store.claim_send_lease(key, attempt_id=job.id)
            if not turn.wait:
                return turn
            job.interruptible = True
            async with job.rest():
                await asyncio.sleep(min(backoff.delay(), turn.wait))

    async def _send(self, job: Job, key: ContextKey, entry: Entry) -> Reject | None:
        """Send one reply; return why WeChat refuses it, if it does for good and it is one of this message."""
        if key.openid is None:
            return None
        own, kind = entry.dedup_key == job.dedup_key, entry.reply.kind
        if job.account.kind is AccountKind.WECOM:
            self._undelivered.labels("wecom_late").inc()
            log.warning("reply.dropped", kind=kind, reason=not_sendable(entry.reply, job.account))
            return None
        deadline = asyncio.timeout(self._budget)
        try:
            async with deadline:
                await self._sender_of(key.appid).send(key.openid, entry.reply)
        except TimeoutError as exc:
            if not deadline.expired():
                raise
            raise WeChatUnavailable(f"no answer about a reply in {self._budget:g} s") from exc
        except WeChatError as exc:
            return self._refused(exc, kind=kind, own=own)
        except ValueError as exc:  # no customer-service message can carry it
            self._undelivered.labels("unsendable").inc()
            log.warning("reply.refused", kind=kind, reason=str(exc))
            return _refusal(exc) if own else None
        log.debug("reply.sent", kind=kind)
        return None

    def _refused(self, error: WeChatError, *, kind: str, own: bool) -> Reject | None:
        """Count and log what WeChat says; return it as a refusal if a reply of this message is refused for good."""
        errcode, meaning = error.errcode, error.code.meaning
        if error.policy in LATER:
            raise RetryLater(str(error), after=error.code.wait) from error
        if error.policy in NOTHING_LOST:
            log.info("reply.sent_before", kind=kind, errcode=errcode, meaning=meaning)
            return None
        self._undelivered.labels(str(errcode)).inc()
        if error.policy is Policy.DROP:
            # This user cannot get it (protocol reference 12): the next reply may go out.
            log.warning("reply.dropped", kind=kind, errcode=errcode, meaning=meaning)
            return None
        log.warning("reply.refused", kind=kind, errcode=errcode, meaning=meaning, alert=error.code.alert)
        return _refusal(error) if own else None


def _refusal(cause: Exception) -> Reject:
    refusal = Reject(f"a reply was refused: {cause}")
    refusal.__cause__ = cause
    return refusal
