"""One delivery on its way through the stages: what they find out is kept here, each field by the stage it names."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from wxbus.accounts.models import Account
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Delivery
from wxbus.wechat import Message
from wxbus.wechat.documents.document import Document
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import Context
from wxbus_worker.handlers.filters import NO_GROUPS, Groups
from wxbus_worker.handlers.route import Route
from wxbus_worker.store.ports import Entry, Opened, PendingReply, SendLease


@dataclass(slots=True, eq=False)
class Job:
    """The handling of one delivery, from lane to settlement."""

    delivery: Delivery
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of this run, not of the message: two runs of one message must not both send its replies."""
    alone: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Waits until nothing else of its partition runs, and keeps it so. Set by the lanes."""
    rest: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Lets others run in its place while the block waits for a time. Set by the lanes."""
    task: "asyncio.Task[None] | None" = None
    interruptible: bool = True
    """False from the commit until the replies are out: a lost partition does not cancel it there."""
    abandoned: bool = False
    """The partition was lost: nothing is settled any more."""
    blocked_loop: bool = False
    """Its handler has blocked the event loop, as far as the watchdog knows. Set by the lanes."""
    suspected: bool = False
    """Its earlier runs did not end: it runs alone. Set by count_start."""
    repeats: int = 0
    """Runs before this one of the same delivery, while its lane was blocked. Set by settle."""

    envelope: Envelope = field(init=False)
    """Set by decode."""
    document: Document = field(init=False)
    """Set by decode."""
    message: Message = field(init=False)
    """Set by decode."""
    account: Account = field(init=False)
    """Set by decode."""
    reply_id: str | None = None
    """Which reply a note is about; None: it is no note. Set by decode."""
    dedup_key: str = field(init=False)
    """What the message is remembered by. Set by open_context."""
    opened: Opened = field(init=False)
    """Set by open_context."""
    route: Route | None = None
    """None: no handler wants the message. Set by find_route."""
    groups: Groups = field(default_factory=dict)
    """Named groups that the route found. Set by find_route."""
    replies: tuple[AnyReply, ...] = ()
    """Set by call_handler."""
    answer: dict[str, Any] | None = None
    """The handler's own answer to WeChat. Set by call_handler."""
    pending: PendingReply | None = None
    """What WeChat may be answered with, as far as this run has committed it. Set by commit."""
    committed: bool = False
    """By this run: it is no duplicate. Set by commit."""
    answered: bool = False
    """Who waits for an answer was told."""
    send_lease: SendLease | None = None
    """Right to send what the outbox holds. Set by commit."""
    sending: bool = False
    """The message is committed, by this run or one before: only its replies may be left. Set by send_replies."""
    unsent: tuple[Entry, ...] = ()
    """What is left in the outbox after a failure. Set by send_replies."""

    @property
    def context(self) -> Context:
        """Return the user's context as it was opened and changed."""
        return self.opened.context

    @property
    def named(self) -> dict[str, str]:
        """Return log fields that name message and handler, as far as they are known."""
        fields = {"message_id": self.envelope.id} if hasattr(self, "envelope") else {}
        return fields if self.route is None else {**fields, "handler": self.route.name}

    @property
    def attempt(self) -> int:
        """Return which run of the message this is, from 1."""
        return self.envelope.attempt + self.repeats

    def again(self) -> None:
        """Be ready for another run of the same delivery."""
        self.repeats += 1
        self.interruptible = True
        self.route, self.groups = None, NO_GROUPS
        self.replies, self.send_lease, self.unsent = (), None, ()
        self.answer, self.pending, self.committed, self.sending = None, None, False, False

    def abandon(self) -> None:
        """Give it up: its partition was lost."""
        self.abandoned = True
        if self.interruptible and self.task is not None:
            self.task.cancel()
