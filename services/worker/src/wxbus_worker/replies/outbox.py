"""Sends the replies in a lane's outbox, in order, and removes each one that was sent.

A worker that lost its partition may still be sending when another receives the message again. So an attempt sends only
while it holds the lane's send lease, and each send ends before the lease does.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog

from wxbus.accounts.models import Account
from wxbus.aio.backoff import Backoff
from wxbus.api.wecom.client import WeComClient
from wxbus.errcodes import Policy
from wxbus.errors import Reject, RetryLater, WeChatError, WeChatUnavailable
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.channels import not_sendable
from wxbus_worker.store.ports import ContextKey, ContextStore, Entry, SendLease

NOTHING_LOST: Final = frozenset({Policy.OK, Policy.IGNORE})
LATER: Final = frozenset({Policy.REFRESH, Policy.BACKOFF, Policy.WAIT})

log = structlog.stdlib.get_logger(__name__)


class Sender(Protocol):
    """Sends to the users of one account: `wxbus.api.client.WeChatClient`, or WeCom's."""

    async def send(self, openid: str, reply: AnyReply) -> None:
        """Send one message to a user."""
        ...


@dataclass(slots=True, eq=False, kw_only=True)
class OutboxRun:
    """One attempt to send what the outbox of a lane holds."""

    key: ContextKey
    account: Account
    dedup_key: str
    """Of the message that the attempt handles; the outbox may hold replies of earlier ones, too."""
    attempt_id: str
    send_lease: SendLease | None = None
    """None: to be claimed."""
    set_refused_aside: bool = True
    """Whether the message's replies that WeChat refuses are kept for a replay."""
    waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Is entered while the attempt waits for the send lease."""
    unsent: tuple[Entry, ...] = ()
    """The rest of the outbox after a failure."""

    def owns(self, entry: Entry) -> bool:
        """Whether an entry is a reply to the message."""
        return entry.dedup_key == self.dedup_key


class Outbox:
    """Sends the replies of all lanes."""

    def __init__(
        self,
        store: ContextStore,
        sender_of: Callable[[str], Sender],
        *,
        budget: float,
        metrics: WorkerMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sender_of` returns the client for an appid; `budget` is seconds for one reply, less than a lease lasts."""
        self._store = store
        self._sender_of = sender_of
        self._budget = budget
        self._undelivered = metrics.undelivered
        self._clock = clock

    async def send(self, run: OutboxRun) -> None:
        """Send everything in the outbox, replies of older messages first.

        Raises:
            Unavailable: WeChat or the token service is unavailable; `run.unsent` has the rest.
            RetryLater: WeChat asks to wait.
            Reject: WeChat refuses a reply of this message: it is set aside, and the others are sent.
        """
        refused: Reject | None = None
        lease = run.send_lease
        while True:
            if lease is None or lease.wait:
                lease = await self._claim(run)
            left = list(lease.entries)
            until = lease.until
            try:
                while left and self._clock() + self._budget < until:
                    refusal = await self._send(run, left[0])
                    refused = refused or refusal
                    if len(left) == 1 and not refusal:
                        await self._store.remove_last(run.key, left[0])
                        left.clear()
                        break
                    until = await self._store.remove_sent(
                        run.key,
                        left[:1],
                        attempt_id=run.attempt_id,
                        set_aside_as=run.dedup_key if refusal and run.set_refused_aside else "",
                    )
                    del left[0]
            except Exception:
                run.unsent = tuple(left)
                await self._store.remove_sent(run.key, (), attempt_id=run.attempt_id, end_lease=True)
                raise
            if not left:
                break
            lease = None  # the process was suspended or Redis unavailable: another attempt may have sent meanwhile
        if refused:
            raise refused

    async def set_unsent_aside(self, run: OutboxRun) -> None:
        """Set aside the unsent replies of a message without further attempts: later replies must not wait for them."""
        own = [entry for entry in run.unsent if run.owns(entry)]
        if own:
            log.error("replies.set_aside", replies=len(own))
            self._undelivered.labels("attempts_exhausted").inc(len(own))
            await self._store.remove_sent(run.key, own, attempt_id=run.attempt_id, set_aside_as=run.dedup_key)

    async def _claim(self, run: OutboxRun) -> SendLease:
        """Return the send lease once no other attempt holds it."""
        backoff = Backoff(first=0.05, longest=1.0)
        while True:
            lease = await self._store.claim_send_lease(run.key, attempt_id=run.attempt_id)
            if not lease.wait:
                return lease
            async with run.waiting():
                await asyncio.sleep(min(backoff.delay(), lease.wait))

    async def _send(self, run: OutboxRun, entry: Entry) -> Reject | None:
        """Send one reply; return the refusal if WeChat refuses it permanently and it is one of this message."""
        key, kind = run.key, entry.reply.kind
        if key.openid is None:
            return None
        if not run.account.can_message(key.openid):
            self._undelivered.labels("wecom_late").inc()
            log.warning("reply.dropped", kind=kind, reason=not_sendable(entry.reply, run.account, key.openid))
            return None
        deadline = asyncio.timeout(self._budget)
        try:
            async with deadline:
                sender = self._sender_of(key.appid)
                if isinstance(sender, WeComClient):
                    await sender.send(key.openid, entry.reply, message_id=f"{entry.dedup_key}-{entry.number}")
                else:
                    await sender.send(key.openid, entry.reply)
        except TimeoutError as exc:
            if not deadline.expired():
                raise
            raise WeChatUnavailable(f"no answer about a reply in {self._budget:g} s") from exc
        except WeChatError as exc:
            return self._refused(exc, kind=kind, own=run.owns(entry))
        except ValueError as exc:  # no message can carry it
            self._undelivered.labels("unsendable").inc()
            log.warning("reply.refused", kind=kind, reason=str(exc))
            return _refusal(exc) if run.owns(entry) else None
        log.debug("reply.sent", kind=kind)
        return None

    def _refused(self, error: WeChatError, *, kind: str, own: bool) -> Reject | None:
        """Count and log WeChat's error; return it as a refusal if a reply of this message is refused permanently."""
        errcode, meaning = error.errcode, error.code.meaning
        if error.policy in LATER:
            wait = error.code.wait
            raise RetryLater(str(error), after=None if wait is None else timedelta(seconds=wait)) from error
        if error.policy in NOTHING_LOST:
            log.info("reply.already_sent", kind=kind, errcode=errcode, meaning=meaning)
            return None
        self._undelivered.labels(str(errcode)).inc()
        if error.policy is Policy.DROP:
            # This user cannot receive it (protocol reference 12): the next reply may be sent.
            log.warning("reply.dropped", kind=kind, errcode=errcode, meaning=meaning)
            return None
        log.warning("reply.refused", kind=kind, errcode=errcode, meaning=meaning, alert=error.code.alert)
        return _refusal(error) if own else None


def _refusal(cause: Exception) -> Reject:
    refusal = Reject(f"a reply was refused: {cause}")
    refusal.__cause__ = cause
    return refusal
