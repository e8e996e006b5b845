"""Counts what is sent to users against WeChat's windows, in their contexts (protocol reference 9.1)."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus.api.sends import SendObserver
from wxbus.errcodes import error_code
from wxbus.errors import WeChatError
from wxbus.wechat import Message
from wxbus.wechat.replies.api_message import CUSTOMER_SERVICE
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.windows import allowance_of, is_counted
from wxbus_worker.context.context import Context, window_of
from wxbus_worker.context.records import record_sent

KINDS: Final = (AccountKind.OFFICIAL_ACCOUNT, AccountKind.MINI_PROGRAM)
"""Accounts with windows."""


class Windows:
    """Counts messages of handlers and their replies."""

    def __init__(self, *, enabled: bool = True, clock: Callable[[], float] = time.time) -> None:
        """Without `enabled` nothing is counted, and WeChat decides."""
        self._enabled = enabled
        self._clock = clock

    def renew(self, context: Context[Any], account: Account, message: Message, *, received_at: float) -> None:
        """Note a user's action before its handler runs."""
        if self._counts(context, account):
            allowance = allowance_of(message, mini_program=account.kind is AccountKind.MINI_PROGRAM)
            if allowance is not None:
                window_of(context).renew(allowance, received_at)

    def spend(
        self, context: Context[Any], account: Account, replies: Sequence[AnyReply], *, passive: int | None
    ) -> Mapping[int, WeChatError]:
        """Count replies, except the passive one; return those that WeChat would refuse, by number."""
        if not (replies and self._counts(context, account)):
            return {}
        now, window = self._clock(), window_of(context)
        return {
            number: refusal(errcode)
            for number, reply in enumerate(replies)
            if number != passive and is_counted(reply) and (errcode := window.spend(now))
        }

    def undelivered(
        self, context: Context[Any], account: Account, reply: AnyReply, error: Exception, *, at: float
    ) -> None:
        """Correct the count after a refusal, which was `at` seconds since the epoch."""
        if self._counts(context, account) and is_counted(reply):
            window_of(context).refused(error.errcode if isinstance(error, WeChatError) else None, at)

    def observer(self, context: Context[Any], account: Account) -> SendObserver | None:
        """Return what counts and records the messages that a handler sends with its client."""
        if context.openid is None:
            return None
        return _Conversation(context, self._clock, counts=self._counts(context, account))

    def _counts(self, context: Context[Any], account: Account) -> bool:
        return self._enabled and context.openid is not None and account.kind in KINDS


class _Conversation:
    """The messages to the user whose message is handled (implements SendObserver)."""

    def __init__(self, context: Context[Any], clock: Callable[[], float], *, counts: bool) -> None:
        self._context = context
        self._clock = clock
        self._counts = counts

    @contextmanager
    def sending(self, appid: str, openid: str, reply: AnyReply) -> Iterator[None]:
        """Count and record a message to the user."""
        if (appid, openid) != (self._context.appid, self._context.openid):
            yield
            return
        counted = self._counts and is_counted(reply)
        window = window_of(self._context)
        if counted and (errcode := window.spend(self._clock())):
            raise refusal(errcode)
        try:
            yield
        except WeChatError as exc:
            if counted:
                window.refused(exc.errcode, self._clock())
            raise
        record_sent(self._context, reply)


def refusal(errcode: int) -> WeChatError:
    """Return what WeChat would answer."""
    return WeChatError(errcode, f"{error_code(errcode).meaning} (counted by wxbus)", call=CUSTOMER_SERVICE)
