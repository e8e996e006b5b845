"""Retries of API calls with an access token, by the policies of protocol reference 12."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, TypeVar

import structlog

from wxbus.api.tokens import TokenSource
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable

T = TypeVar("T")

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

READ_DELAYS: Final = (0.2, 0.8, 3.0)
"""Seconds before each retry of a call without a visible effect."""
SEND_DELAYS: Final = (0.5,)
"""Seconds before the only retry of a call that reaches a user: a failed attempt may have arrived."""
NO_RETRIES: Final = ()
JITTER: Final = 0.25
"""Each delay varies by this fraction in both directions, so that clients do not retry at the same time."""

log = structlog.get_logger(__name__)


class Calls:
    """Makes API calls of one account with tokens of the source."""

    def __init__(self, appid: str, tokens: TokenSource, *, sleep: Sleep = asyncio.sleep) -> None:
        self._appid = appid
        self._tokens = tokens
        self._sleep = sleep

    async def with_token(self, call: Callable[[str], Awaitable[T]], delays: Sequence[float]) -> T:
        """Return the result of `call(token)`; retry it after each of the `delays`.

        If WeChat rejects the token, the call reports it and retries once with the new token. A second rejection means
        that another program fetches tokens of this appid, or that the account is wrong; it is raised.

        Raises:
            WeChatError: The errcode of the last attempt.
            WeChatUnavailable: The last attempt had no valid response.
            TokenUnavailable: The source has no token.
        """
        token = await self._tokens.get(self._appid)
        remaining = iter(delays)
        refreshed = False
        while True:
            try:
                return await call(token)
            except (WeChatError, WeChatUnavailable) as caught:
                error = caught
            if isinstance(error, WeChatError) and error.policy is Policy.REFRESH:
                if refreshed:
                    log.error("wechat.fresh_token_rejected", appid=self._appid, call=error.call, errcode=error.errcode)
                    raise error
                refreshed = True
                token = await self._tokens.report_invalid(self._appid, token)
                continue
            retryable = isinstance(error, WeChatUnavailable) or error.policy is Policy.BACKOFF
            delay = next(remaining, None) if retryable else None
            if delay is None:
                raise error
            await self._sleep(delay * random.uniform(1 - JITTER, 1 + JITTER))
