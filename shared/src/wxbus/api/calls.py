"""Repeats of API calls, by the policies of protocol reference 12."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

import structlog

from wxbus.api.tokens import TokenSource
from wxbus.errors import ServerBusy, TokenInvalid, WeChatError, WeChatUnavailable, WeChatUnreachable
from wxbus.telemetry import step

T = TypeVar("T")

Sleep: TypeAlias = Callable[[float], Awaitable[None]]


class Repeat(StrEnum):
    """Whether a call is repeated after a failure that may pass."""

    READ = "read"
    """The call is idempotent: repeated if WeChat is busy or does not answer."""
    SEND = "send"
    """The call reaches a user, or creates something: repeated only if WeChat surely did not execute it."""
    NEVER = "never"
    """Not repeated. A rejected token is replaced nevertheless."""


DELAYS: Final[Mapping[Repeat, tuple[float, ...]]] = {
    Repeat.READ: (0.2, 0.8, 3.0),
    Repeat.SEND: (0.2, 0.8),
    Repeat.NEVER: (),
}
"""Seconds before each repeat."""
JITTER: Final = 0.25
"""Each delay varies by this fraction in both directions, so that clients do not retry at the same time."""
NOT_DONE: Final = frozenset({43108, 45033, 45169, 46007, 61039, 85449})
"""Errcodes of calls that WeChat did not execute, because another call for the same user or file is in progress.

After other errors WeChat may have executed the call.
"""

log = structlog.get_logger(__name__)


def _always() -> bool:
    return True


class Calls:
    """Makes API calls of one account, with tokens of the source."""

    def __init__(self, appid: str, tokens: TokenSource, *, sleep: Sleep = asyncio.sleep) -> None:
        self._appid = appid
        self._tokens = tokens
        self._sleep = sleep

    async def with_token(
        self, call: Callable[[str], Awaitable[T]], repeat: Repeat, *, repeatable: Callable[[], bool] = _always
    ) -> T:
        """Return the result of `call(token)`, repeated as `repeat` and `repeatable` allow.

        If WeChat rejects the token, the call reports it and repeats once with the new token. A second rejection means
        that another program fetches tokens of this appid, or that the account is wrong; it is raised.

        Raises:
            WeChatError: The errcode of the last attempt.
            WeChatUnavailable: The last attempt had no valid response.
            TokenUnavailable: The source has no token.
        """
        with step("api.token"):
            token = await self._tokens.get(self._appid)
        try:
            return await self.without_token(lambda: call(token), repeat, repeatable=repeatable)
        except TokenInvalid as exc:
            rejected = exc
        with step("api.report_token"):
            renewed = await self._tokens.report_invalid(self._appid, token)
        if not repeatable():
            raise rejected
        try:
            return await self.without_token(lambda: call(renewed), repeat, repeatable=repeatable)
        except TokenInvalid as exc:
            rejected = exc
        log.error("wechat.fresh_token_rejected", appid=self._appid, call=rejected.call, errcode=rejected.errcode)
        raise rejected

    async def without_token(
        self, call: Callable[[], Awaitable[T]], repeat: Repeat, *, repeatable: Callable[[], bool] = _always
    ) -> T:
        """Return the result of `call()`, repeated as `repeat` and `repeatable` allow."""
        for delay in DELAYS[repeat]:
            try:
                return await call()
            except (WeChatError, WeChatUnavailable) as exc:
                if not _may_repeat(exc, repeat) or not repeatable():
                    raise
            await self._sleep(delay * random.uniform(1 - JITTER, 1 + JITTER))
        return await call()


def _may_repeat(error: WeChatError | WeChatUnavailable, repeat: Repeat) -> bool:
    match error:
        case WeChatUnreachable():
            return True
        case ServerBusy() if error.errcode in NOT_DONE:
            return True
        case ServerBusy() | WeChatUnavailable():
            return repeat is Repeat.READ
        case _:
            return False
