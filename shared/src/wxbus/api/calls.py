"""What every call that needs a token has in common: the policies of protocol reference 12."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import structlog

from wxbus.api.tokens import TokenSource
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable

T = TypeVar("T")

Pause: TypeAlias = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often, and how long after one another, a call is repeated."""

    delays: tuple[float, ...]
    """Seconds before each repeat; as many repeats as there are delays."""
    jitter: float = 0.25
    """Each delay is up to this part shorter or longer, so that clients do not come back all at once."""

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < 1 or any(delay < 0 for delay in self.delays):
            raise ValueError("delays must not be negative, jitter must be from 0 to below 1")

    def draw(self) -> Iterator[float]:
        """Yield the seconds to wait before each repeat."""
        for delay in self.delays:
            yield delay * random.uniform(1 - self.jitter, 1 + self.jitter)


READ: Final = Backoff((0.2, 0.8, 3.0))
"""For calls that may be repeated: they change nothing, or nothing that shows."""
SEND: Final = Backoff((0.5,))
"""For calls that reach a user: after -1 or a time-out it may have arrived, so it is repeated at most once."""


class Calls:
    """Makes calls for one account with a token from the source."""

    def __init__(self, appid: str, tokens: TokenSource, *, pause: Pause = asyncio.sleep) -> None:
        self._appid = appid
        self._tokens = tokens
        self._pause = pause

    async def with_token(self, call: Callable[[str], Awaitable[T]], repeats: Backoff) -> T:
        """Return what `call(token)` returns.

        A token that WeChat refuses is reported, and the call repeated with the one given instead, once: a second
        refusal means that somebody else fetches tokens for this appid, or a wrong account, and no repeat cures that.

        Raises:
            WeChatError: With the errcode of the last try.
            WeChatUnavailable: The last try had no usable answer.
            TokenUnavailable: There is no token to try with.
        """
        token = await self._tokens.get(self._appid)
        delays = repeats.draw()
        refreshed = False
        while True:
            try:
                return await call(token)
            except (WeChatError, WeChatUnavailable) as caught:
                error = caught
            if isinstance(error, WeChatError) and error.policy is Policy.REFRESH:
                if refreshed:
                    log.error("wechat.fresh_token_refused", appid=self._appid, call=error.call, errcode=error.errcode)
                    raise error
                refreshed = True
                token = await self._tokens.report_invalid(self._appid, token)
                continue
            may_pass = isinstance(error, WeChatUnavailable) or error.policy is Policy.BACKOFF
            delay = next(delays, None) if may_pass else None
            if delay is None:
                raise error
            await self._pause(delay)
