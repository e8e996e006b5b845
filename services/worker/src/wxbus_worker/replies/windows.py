"""Counts messages to users against WeChat's windows, in the users' contexts.

See protocol reference 9.1, and WeCom reference 7.3 for the customers of WeChat Customer Service.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus.api.sends import SendObserver
from wxbus.errcodes import error_code
from wxbus.errors import WeChatError
from wxbus.wechat import Message
from wxbus.wechat.messages.identity import split_customer
from wxbus.wechat.replies.api_message import CUSTOMER_SERVICE
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.windows import KF_NONE_LEFT, allowance_of, is_counted
from wxbus_worker.context.context import Context, window_of
from wxbus_worker.context.records import record_sent

KINDS: Final = (AccountKind.OFFICIAL_ACCOUNT, AccountKind.MINI_PROGRAM)
"""Accounts whose users have windows. In WeCom customers have them, and members do not."""
KF_SEND: Final = "/cgi-bin/kf/send_msg"


class Windows:
    """Counts messages of handlers and their replies."""

    def __init__(self, *, enabled: bool = True, clock: Callable[[], float] = time.time) -> None:
        """Without `enabled` nothing is counted, and WeChat decides."""
        self._enabled = enabled
        self._clock = clock

    def renew(self, context: Context[Any], account: Account, message: Message, *, received_at: float) -> None:
        """Record a user's action before its handler runs."""
        if self._counts(context, account):
            allowance = allowance_of(message, mini_program=account.kind is AccountKind.MINI_PROGRAM)
            if allowance is not None:
                window_of(context).renew(allowance, received_at)

    def spend(
        self, context: Context[Any], account: Account, replies: Sequence[AnyReply], *, passive: int | None
    ) -> Mapping[int, WeChatError]:
        """Count replies, except the passive reply; return the errors of replies that WeChat would refuse, by number."""
        if not (replies and self._counts(context, account)):
            return {}
        now, window = self._clock(), window_of(context)
        return {
            number: _refusal(errcode, account)
            for number, reply in enumerate(replies)
            if number != passive and _is_counted(reply, context) and (errcode := window.spend(now))
        }

    def undelivered(
        self, context: Context[Any], account: Account, reply: AnyReply, error: Exception, *, at: float
    ) -> None:
        """Correct the count after a refusal, which was `at` seconds since the epoch."""
        if self._counts(context, account) and _is_counted(reply, context):
            window_of(context).refused(error.errcode if isinstance(error, WeChatError) else None, at)

    def observer(self, context: Context[Any], account: Account) -> SendObserver | None:
        """Return the observer that counts and records the messages that a handler sends with its client."""
        if context.openid is None:
            return None
        return _Conversation(context, account, self._clock, counts=self._counts(context, account))

    def _counts(self, context: Context[Any], account: Account) -> bool:
        if not self._enabled or context.openid is None:
            return False
        return account.kind in KINDS or (account.kind is AccountKind.WECOM and _is_customer(context))


class _Conversation:
    """The messages to the user whose message is handled (implements SendObserver)."""

    def __init__(self, context: Context[Any], account: Account, clock: Callable[[], float], *, counts: bool) -> None:
        self._context = context
        self._account = account
        self._clock = clock
        self._counts = counts

    @contextmanager
    def sending(self, appid: str, openid: str, reply: AnyReply) -> Iterator[None]:
        """Count and record a message to the user."""
        if (appid, openid) != (self._context.appid, self._context.openid):
            yield
            return
        counted = self._counts and _is_counted(reply, self._context)
        window = window_of(self._context)
        if counted and (errcode := window.spend(self._clock())):
            raise _refusal(errcode, self._account)
        try:
            yield
        except WeChatError as exc:
            if counted:
                window.refused(exc.errcode, self._clock())
            raise
        record_sent(self._context, reply)


def _is_customer(context: Context[Any]) -> bool:
    return split_customer(context.openid or "") is not None


def _is_counted(reply: AnyReply, context: Context[Any]) -> bool:
    return is_counted(reply, to_customer=_is_customer(context))


def _refusal(errcode: int, account: Account) -> WeChatError:
    """Return the error that WeChat would answer."""
    call = CUSTOMER_SERVICE
    if account.kind is AccountKind.WECOM:
        errcode, call = KF_NONE_LEFT, KF_SEND
    return WeChatError(errcode, f"{error_code(errcode).meaning} (counted by wxbus)", call=call)
