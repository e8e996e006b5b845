"""Calls of a day by account and endpoint, their limits, and resets (protocol reference 11)."""

import time
from collections import Counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.api.limits import WECHAT
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import CHINA, DAY, TokenIssuer
from wxbus_sandbox.settings import Rules

USED_UP: Final = 45009
NO_RESETS_LEFT: Final = 48006
RESETS_OF_ALL: Final = 10
RESETS_OF_ONE: Final = 50
OTHERS: Final = 10_000_000
"""For endpoints whose limit is not known."""
FREE: Final = ("/cgi-bin/openapi/quota/", "/cgi-bin/clear_quota")


class Quotas:
    """The calls of each account today, and its resets of this month."""

    def __init__(self, clock: Clock, rules: Rules, tokens: TokenIssuer) -> None:
        self._clock = clock
        self._enforced = rules.enforce_quotas
        self._tokens = tokens
        self._day = -1
        self._used: Counter[tuple[str, str]] = Counter()
        self._month = ""
        self._resets: Counter[tuple[str, str]] = Counter()

    def count(self, token: str, path: str) -> None:
        """Count a call with a valid access token.

        Raises:
            ApiError: 45009: the day's quota of the endpoint is used up.
        """
        try:
            appid = self._tokens.appid_of(token)
        except ApiError:
            return  # the endpoint refuses the token
        if path.startswith(FREE):
            return
        if self._enforced and self.used(appid, path) >= self.limit(path):
            raise ApiError(USED_UP)
        self._used[appid, path] += 1

    def limit(self, path: str) -> int:
        """Return the calls of a day that WeChat allows."""
        limit = WECHAT.by_path.get(path)
        return OTHERS if limit is None or not limit.day else limit.day

    def used(self, appid: str, path: str) -> int:
        """Return the calls of today."""
        day = int((self._clock.now() + CHINA) // DAY)
        if day != self._day:
            self._day = day
            self._used.clear()
        return self._used[appid, path]

    def reset_one(self, appid: str, path: str) -> None:
        """Forget the calls of an endpoint; raises ApiError 48006 if the resets of the month are used up."""
        self._count_reset(appid, "one", RESETS_OF_ONE)
        del self._used[appid, path]

    def reset_all(self, appid: str) -> None:
        """Forget all calls of an account; raises ApiError 48006 if the resets of the month are used up."""
        self._count_reset(appid, "all", RESETS_OF_ALL)
        for key in [key for key in self._used if key[0] == appid]:
            del self._used[key]

    def reset(self) -> None:
        """Remove all state."""
        self._used.clear()
        self._resets.clear()

    def _count_reset(self, appid: str, kind: str, limit: int) -> None:
        month = time.strftime("%Y-%m", time.gmtime(self._clock.now() + CHINA))
        if month != self._month:
            self._month = month
            self._resets.clear()
        if self._resets[appid, kind] >= limit:
            raise ApiError(NO_RESETS_LEFT)
        self._resets[appid, kind] += 1


QUOTAS: Final = web.AppKey("quotas", Quotas)


@web.middleware
async def count_calls(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the calls with an access token."""
    if token := request.query.get("access_token", ""):
        request.app[QUOTAS].count(token, request.path)
    return await handler(request)
