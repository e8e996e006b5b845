"""Broadcasts in the contexts of their recipients: WeChat's windows are checked, and sent messages are recorded.

This concerns users with a context only: a broadcast creates no contexts.
"""

import time
from collections.abc import Callable
from typing import Final

import structlog

from wxbus.accounts.file import AccountLookup
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.ports import Inbox
from wxbus.errors import BrokerUnavailable, UnknownAccount
from wxbus.runtime.log_limit import LogLimit
from wxbus.telemetry import new_traceparent
from wxbus.wechat.replies.reply import reply_to_json
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.replies.windows import Windows
from wxbus_worker.store.broadcasts import Plan
from wxbus_worker.store.ports import ContextKey

PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm."""

log = structlog.stdlib.get_logger(__name__)


class RecipientContexts:
    """The contexts of the recipients."""

    def __init__(
        self,
        contexts: Contexts,
        accounts: AccountLookup,
        inbox: Inbox,
        windows: Windows,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` returns seconds since the epoch."""
        self._contexts = contexts
        self._accounts = accounts
        self._inbox = inbox
        self._windows = windows
        self._clock = clock
        self._log_limit: LogLimit[str] = LogLimit()

    async def check(self, plan: Plan, openid: str) -> bool:
        """Return whether the recipient has a context, in which the message must be recorded.

        Raises:
            WeChatError: WeChat would refuse the message.
        """
        context = await self._contexts.get(plan.appid, openid)
        if context is None:
            return False
        try:
            account = self._accounts.of(plan.appid, via=plan.account)
        except UnknownAccount:  # has left the accounts file: WeChat decides
            return False
        for error in self._windows.spend(context, account, (plan.message,), passive=None).values():
            raise error
        return True

    async def record(self, plan: Plan, openid: str) -> None:
        """Publish a note with which the recipient's lane records the message; a repeated note is a duplicate there."""
        key = ContextKey.of_user(plan.appid, openid)
        envelope = Envelope(
            id=new_id(),
            kind=EnvelopeKind.BROADCAST_SENT,
            account=plan.account,
            appid=key.appid,
            openid=key.openid,
            lane=key.lane,
            dedup_id=f"{key.lane}:broadcast:{plan.id}",
            body=reply_to_json(plan.message),
            received_at=self._clock(),
            traceparent=new_traceparent(),
        )
        try:
            await self._inbox.publish(envelope, budget=PUBLISH_BUDGET)
        except BrokerUnavailable as exc:  # the user has the message: it must not be sent again
            if (unlogged := self._log_limit.take(plan.id)) is not None:
                log.warning("broadcast.not_recorded", broadcast=plan.id, reason=str(exc), unlogged=unlogged)
