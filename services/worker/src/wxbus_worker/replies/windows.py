"""Counts what is sent to users against WeChat's windows, in their contexts (protocol reference 9.1)."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus.api.sends import OBSERVER
from wxbus.errcodes import error_code
from wxbus.errors import WeChatError
from wxbus.wechat import Message
from wxbus.wechat.replies.api_message import CUSTOMER_SERVICE
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.windows import allowance_of, is_counted
from wxbus_worker.context.context import Context, record_sent, window_of

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
        numbers = [number for number, reply in enumerate(replies) if number != passive and is_counted(reply)]
        errcodes = {number: window.spend(now) for number in numbers}
        return {number: refusal(errcode) for number, errcode in errcodes.items() if errcode}

    def undelivered(self, context: Context[Any], account: Account, reply: AnyReply, error: Exception) -> None:
        """Correct the count after a refusal."""
        if self._counts(context, account) and is_counted(reply):
            window_of(context).refused(error.errcode if isinstance(error, WeChatError) else None)

    @contextmanager
    def observing(self, context: Context[Any], account: Account) -> Iterator[None]:
        """Count and record what a handler sends with its client in the block."""
        observer = _Conversation(context, self._clock) if context.openid is not None else None
        token = OBSERVER.set(observer)
        if observer is not None:
            observer.counts = self._counts(context, account)
        try:
            yield
        finally:
            OBSERVER.reset(token)

    def _counts(self, context: Context[Any], account: Account) -> bool:
        return self._enabled and context.openid is not None and account.kind in KINDS


class _Conversation:
    """The messages to the user whose message is handled (implements SendObserver)."""

    def __init__(self, context: Context[Any], clock: Callable[[], float]) -> None:
        self._context = context
        self._clock = clock
        self.counts = True

    def before(self, appid: str, openid: str, reply: AnyReply) -> None:
        """Count a message to the user, or raise what WeChat would answer."""
        if self.counts and self._is_user(appid, openid) and is_counted(reply):
            errcode = window_of(self._context).spend(self._clock())
            if errcode:
                raise refusal(errcode)

    def after(self, appid: str, openid: str, reply: AnyReply, error: Exception | None) -> None:
        """Record a message to the user in the context, or correct the count."""
        if not self._is_user(appid, openid):
            return
        if error is None:
            record_sent(self._context, reply)
        elif self.counts and is_counted(reply) and isinstance(error, WeChatError):
            window_of(self._context).refused(error.errcode)

    def _is_user(self, appid: str, openid: str) -> bool:
        return (appid, openid) == (self._context.appid, self._context.openid)


def refusal(errcode: int) -> WeChatError:
    """Return what WeChat would answer."""
    return WeChatError(errcode, f"{error_code(errcode).meaning} (counted by wxbus)", call=CUSTOMER_SERVICE)
