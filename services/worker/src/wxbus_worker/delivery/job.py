"""A delivery on its way through the stages.

`Job` lasts from lane to settlement. `Decoded` to `Committed` are the phases of one attempt to handle it; each adds to
the phase before it, and is never changed. They are not `frozen`: that makes each five times as slow to create.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from wxbus.accounts.models import Account
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Delivery
from wxbus.errors import UnreadableEnvelope, WeChatError
from wxbus.wechat import Message
from wxbus.wechat.documents.document import Document
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.handlers.call import HandlerCall
from wxbus_worker.handlers.current_delivery import CurrentDelivery
from wxbus_worker.handlers.route import Route
from wxbus_worker.replies.outbox import OutboxRun
from wxbus_worker.replies.passive import Caller
from wxbus_worker.store.ports import ContextKey, Opened, PendingReply, SendLease

PROCESS: Final = f"{secrets.token_hex(8)}-"
ATTEMPTS: Final = count(1)
"""Numbers of the attempts of this process; random numbers for each would cost a system call a message."""


@dataclass(slots=True, eq=False)
class Job:
    """One delivery, and the progress that the stages around the handler must know after a failure."""

    delivery: Delivery
    attempt_id: str = field(default_factory=lambda: f"{PROCESS}{next(ATTEMPTS)}")
    """Two attempts to handle one message have different ids: only one of them sends the replies."""
    run_alone: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Waits until no other job of the partition runs, and starts none during the block. Set by the lanes."""
    pause_lane: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Frees the job's concurrency slot for other lanes during the block. Set by the lanes."""
    task: "asyncio.Task[None] | None" = None
    interruptible: bool = True
    """False from the commit until the replies are sent: a lost partition does not cancel the job then."""
    abandoned: bool = False
    """The partition is lost: the delivery must not be settled."""
    blocked_loop: bool = False
    """The watchdog found that the job blocked the event loop. Set by the lanes."""
    suspected: bool = False
    """Earlier attempts did not end, so this one runs alone. Set by detect_crashes."""
    repeats: int = 0
    """Attempts in the lane before this one. Set by settle."""

    document: Document = field(default_factory=dict)
    """The callback; empty until decode has read it."""
    private: Mapping[str, Any] = field(default_factory=dict)
    """Content of a signal or send, whose texts must not be logged. Set by decode."""
    caller: Caller | None = None
    """The ingress that may wait for an answer. Set by decode."""
    decoded: "Decoded | None" = None
    """Its account, lane and content. Set by decode."""
    route: Route | None = None
    """The handler's route, once it is found. Set by handle_message."""
    sending: OutboxRun | None = None
    """The replies, once the message is committed. Set by finish."""

    @property
    def attempt(self) -> int:
        """Return the number of this attempt, from 1."""
        return self.delivery.envelope().attempt + self.repeats

    @property
    def log_fields(self) -> dict[str, str]:
        """Return log fields that name the message and its handler, as far as they are known."""
        try:
            fields = {"message_id": self.delivery.envelope().id}
        except UnreadableEnvelope:
            return {}
        return fields if self.route is None else {**fields, "handler": self.route.name}

    def start_over(self) -> None:
        """Prepare another attempt at the same delivery."""
        self.repeats += 1
        self.interruptible = True
        self.route = self.sending = None

    def abandon(self) -> None:
        """Stop the job if it may be interrupted, and leave the delivery unsettled: its partition is lost."""
        self.abandoned = True
        if self.interruptible and self.task is not None:
            self.task.cancel()

    def release(self) -> None:
        """Drop the references back to the job, once it has ended: cycles wait for the garbage collector."""
        self.decoded = self.sending = self.task = None

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Free the concurrency slot during the block, and let a lost partition cancel the job there."""
        self.interruptible = True
        async with self.pause_lane():
            yield
        self.interruptible = False


@dataclass(frozen=True, slots=True)
class ReplyNote:
    """The outcome of a pending reply."""

    dedup_key: str
    """Of the message that it answers."""
    delivered: bool
    """True: WeChat took it as the passive answer. False: its deadline has passed."""


@dataclass(frozen=True, slots=True)
class WakeupNote:
    """The lane had an overflow when the note was sent."""


@dataclass(slots=True)
class Decoded:
    """A delivery whose envelope is read and whose account is known."""

    job: Job
    envelope: Envelope
    account: Account
    key: ContextKey
    content: Message | ReplyNote | WakeupNote
    current: CurrentDelivery


@dataclass(slots=True)
class Routed:
    """A message with the user's context and its handler."""

    decoded: Decoded
    message: Message
    opened: Opened
    dedup_key: str
    route: Route | None
    """None: no handler matches."""
    call: HandlerCall


@dataclass(slots=True)
class Handled:
    """The result of a handler."""

    replies: tuple[AnyReply, ...] = ()
    answer: Mapping[str, Any] | None = None
    """The document of the handler's own answer to WeChat."""


@dataclass(slots=True)
class Committed:
    """A message with nothing left to commit: ingress waits for its answer, and the outbox may hold replies."""

    decoded: Decoded
    dedup_key: str
    by_this_attempt: bool = False
    pending: PendingReply | None = None
    """The answer that this attempt committed for ingress."""
    send_lease: SendLease | None = None
    """None: not claimed yet."""
    refused: Mapping[int, WeChatError] = field(default_factory=dict)
    """Replies of this attempt that WeChat would refuse, by number."""
