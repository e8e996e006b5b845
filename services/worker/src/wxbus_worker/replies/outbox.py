"""Sends the replies in a lane's outbox, in order, and removes each one that was sent.

A worker that lost its partition may still be sending when another receives the message again. So an attempt sends only
while it holds the lane's send lease, and each send ends before the lease does.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

import structlog

from wxbus.accounts.models import Account
from wxbus.aio.backoff import Backoff
from wxbus.aio.timeout import Timeout
from wxbus.api.wecom.client import WeComClient
from wxbus.errcodes import Policy
from wxbus.errors import RetryLater, WeChatError, WeChatUnavailable
from wxbus.telemetry import step
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.sockets import SocketReply
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.channels import not_sendable
from wxbus_worker.replies.reports import UndeliveredReports
from wxbus_worker.replies.sockets import SocketSender
from wxbus_worker.store.ports import ContextKey, ContextStore, Entry, SendLease

NOTHING_LOST: Final = frozenset({Policy.OK, Policy.IGNORE})
LATER: Final = frozenset({Policy.REFRESH, Policy.BACKOFF, Policy.WAIT})

log = structlog.stdlib.get_logger(__name__)


class Sender(Protocol):
    """Sends to the users of one account: `wxbus.api.client.WeChatClient`, or WeCom's."""

    async def send(self, openid: str, reply: AnyReply) -> None:
        """Send one message to a user."""
        ...


class RobotReplies(Protocol):
    """Sends replies of robots: `wxbus_worker.robots.sender.RobotSender`."""

    async def send(self, appid: str, stream_id: str, reply: AnyReply) -> None:
        """Send the reply to the message with this dedup key."""
        ...


@dataclass(slots=True, eq=False, kw_only=True)
class OutboxRun:
    """One attempt to send the replies in the outbox of a lane."""

    key: ContextKey
    account: Account
    dedup_key: str
    """Of the message that the attempt handles; the outbox may hold replies of earlier messages, too."""
    attempt_id: str
    send_lease: SendLease | None = None
    """None: not claimed yet."""
    refused: Mapping[int, WeChatError] = field(default_factory=dict)
    """Replies of the message that need not be sent, by number: WeChat would refuse them."""
    waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Entered while the attempt waits for the send lease."""
    unsent: tuple[Entry, ...] = ()
    """The rest of the outbox after a failure."""
    undelivered: int = 0
    """Replies that WeChat did not take."""

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
        sockets: SocketSender,
        reports: UndeliveredReports,
        budget: float,
        metrics: WorkerMetrics,
        robots: RobotReplies | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send replies.

        Args:
            store: Holds the outboxes.
            sender_of: Returns the client for an appid.
            sockets: Stores replies over WebSocket.
            reports: Of replies that WeChat does not take.
            budget: Seconds for one reply with its fallback, less than a lease lasts.
            metrics: Counts them.
            robots: Sends the replies of robots; None: there are none.
            clock: The monotonic clock.
        """
        self._store = store
        self._sender_of = sender_of
        self._sockets = sockets
        self._reports = reports
        self._robots = robots
        self._budget = budget
        self._undelivered, self._fallbacks = metrics.undelivered, metrics.fallbacks
        self._clock = clock

    async def send(self, run: OutboxRun) -> None:
        """Send everything in the outbox, replies of older messages first.

        Raises:
            Unavailable: WeChat, the token service or RabbitMQ is unavailable; `run.unsent` has the rest.
            RetryLater: WeChat asks to wait.
        """
        lease = run.send_lease
        while True:
            if lease is None or lease.wait:
                lease = await self._claim(run)
            left = list(lease.entries)
            until = lease.until
            try:
                while left and self._clock() + self._budget < until:
                    await self._send(run, left[0])
                    if len(left) == 1:
                        await self._store.remove_last(run.key, left[0])
                    else:
                        until = await self._store.remove_sent(run.key, left[:1], attempt_id=run.attempt_id)
                    del left[0]
            except Exception:
                run.unsent = tuple(left)
                await self._store.remove_sent(run.key, (), attempt_id=run.attempt_id, end_lease=True)
                raise
            if not left:
                break
            lease = None  # the process was suspended or Redis unavailable: another attempt may have sent meanwhile

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

    async def _send(self, run: OutboxRun, entry: Entry) -> None:
        """Send one reply, or its fallback; report it if WeChat takes neither."""
        if run.key.openid is None:
            return
        timeout = Timeout(self._budget)
        try:
            with timeout:
                known = run.refused.get(entry.number) if run.owns(entry) else None
                error = known or await self._refusal(run, entry, entry.reply)
                if error is None:
                    return
                fallback = getattr(entry.reply, "fallback", None)
                instead = None
                if fallback is not None and await self._refusal(run, entry, fallback) is None:
                    instead = fallback
                await self._report(run, entry, error, instead)
        except TimeoutError as exc:
            if not timeout.expired:
                raise
            raise WeChatUnavailable(f"no answer about a reply in {self._budget:g} s") from exc

    async def _refusal(self, run: OutboxRun, entry: Entry, reply: AnyReply) -> WeChatError | ValueError | None:
        """Send a reply or its fallback; return why WeChat does not take it, None if it did."""
        with step("worker.send_reply", wxbus__reply=reply.kind) as current:
            error = await self._send_reply(run, entry, reply)
            if error is not None:
                current.fail(type(error).__name__)
            return error

    async def _send_reply(self, run: OutboxRun, entry: Entry, reply: AnyReply) -> WeChatError | ValueError | None:
        openid, message_id = run.key.openid or "", f"{entry.dedup_key}-{entry.number}"
        if isinstance(reply, SocketReply):
            await self._sockets.send(run.key.appid, openid, reply, message_id=message_id)
            return None
        if not run.account.can_message(openid):
            return ValueError(not_sendable(reply, run.account, openid))
        sender = self._sender_of(run.key.appid)
        try:
            if run.account.is_robot and self._robots is not None:
                await self._robots.send(run.key.appid, entry.dedup_key, reply)
            elif isinstance(sender, WeComClient):
                await sender.send(openid, reply, message_id=message_id)
            else:
                await sender.send(openid, reply)
        except WeChatError as exc:
            if exc.policy in LATER:
                wait = exc.retry_after
                raise RetryLater(str(exc), after=None if wait is None else timedelta(seconds=wait)) from exc
            if exc.policy not in NOTHING_LOST:
                return exc
            log.info("reply.already_sent", kind=reply.kind, errcode=exc.errcode, meaning=exc.code.meaning)
        except ValueError as exc:  # no message can carry it
            return exc
        else:
            log.debug("reply.sent", kind=reply.kind)
        return None

    async def _report(
        self, run: OutboxRun, entry: Entry, error: WeChatError | ValueError, instead: AnyReply | None
    ) -> None:
        """Count, log and report a reply that WeChat did not take."""
        kind, reason = entry.reply.kind, _reason(error, run)
        if instead is None:
            run.undelivered += 1
            self._undelivered.labels(reason).inc()
            alert = isinstance(error, WeChatError) and error.code.alert
            log.warning("reply.undelivered", kind=kind, reason=reason, error=str(error), alert=alert)
        else:
            self._fallbacks.labels(reason).inc()
            log.info("reply.fallback_sent", kind=kind, reason=reason, fallback=instead.kind)
        await self._reports.publish(run.key, run.account, entry, error, instead=instead)


def _reason(error: WeChatError | ValueError, run: OutboxRun) -> str:
    if isinstance(error, WeChatError):
        return str(error.errcode)
    return "unsendable" if run.account.can_message(run.key.openid or "") else "wecom_late"
