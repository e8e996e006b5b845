"""Limits of the requests to WeChat, counted by all instances together.

Requests per account have our own limits, so that no fault here uses up the account's quota at WeChat.
Forced refreshes have WeChat's limits (protocol reference 8.1).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wxbus.errors import StoreUnavailable
from wxbus.store.store import Script, Store
from wxbus_token.credentials.errors import LimitReached, StaleFence
from wxbus_token.credentials.storage.redis_keys import CredentialKeys
from wxbus_token.credentials.timing import CHINA, DAY, until_next_day
from wxbus_token.kinds import Credential

COUNT_REQUEST: Final = Script.of("wxbus_token.lua", "count_request.lua")
COUNT_FORCED: Final = Script.of("wxbus_token.lua", "count_forced.lua")

MINUTE: Final = 60
DAY_MS: Final = DAY * 1000
FORCED_GAP_MS: Final = 30_000
FORCED_PER_DAY: Final = 20
"""WeChat's limits of forced refreshes, counted over any 24 hours."""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """Requests to WeChat for an account's credentials."""

    in_minute: int = 0
    in_day: int = 0


@dataclass(frozen=True, slots=True)
class ForcedCounts:
    """Forced refreshes of a credential."""

    in_day: int
    """In the last 24 hours."""
    wait: float
    """Seconds until the next one is allowed; 0.0: it is allowed now."""


class Quota:
    """Counts in Redis; while Redis is unavailable, requests of this process only."""

    def __init__(
        self, store: Store, *, namespace: str, per_minute: int, per_day: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._keys = CredentialKeys(namespace)
        self._limits = {"minute": per_minute, "day": per_day}
        self._clock = clock
        self._local: dict[str, tuple[int, int, int, int]] = {}

    async def count(self, appid: str) -> None:
        """Count one request for an account; raises LimitReached if it must not be made."""
        try:
            limits = list(self._limits.values())
            wait, window = await self._store.run(COUNT_REQUEST, keys=[self._keys.requests(appid)], args=limits)
            wait, window = float(wait), window.decode()
        except StoreUnavailable:
            wait, window = self._count_local(appid)
        if window:
            raise LimitReached(max(wait, 1.0), limit=self._limits[window], window=window)

    async def counts(self, appids: Sequence[str]) -> list[RequestCounts]:
        """Return the counts of accounts; raises StoreUnavailable."""
        fields = ("minute", "in_minute", "day", "in_day")
        keys = [self._keys.requests(appid) for appid in appids]
        rows = await asyncio.gather(*(self._store.command("HMGET", key, *fields) for key in keys))
        minute, day = _windows(await self._store.now())
        found = [[int(value or 0) for value in row] for row in rows]
        return [RequestCounts(row[1] if row[0] == minute else 0, row[3] if row[2] == day else 0) for row in found]

    async def count_forced(self, credential: Credential, *, fence: int) -> float:
        """Count one forced refresh and return 0.0; if none is allowed now, return the seconds to wait.

        Raises:
            StaleFence: Another instance has drawn a greater fence.
            StoreUnavailable: Redis does not answer.
        """
        wait_ms = await self._store.run(
            COUNT_FORCED,
            keys=[self._keys.forced(credential), self._keys.fence(credential)],
            args=[fence, FORCED_GAP_MS, FORCED_PER_DAY, DAY_MS],
        )
        if wait_ms < 0:
            raise StaleFence
        return float(wait_ms) / 1000

    async def forced_counts(self, credential: Credential) -> ForcedCounts:
        """Return the counts of forced refreshes; raises StoreUnavailable."""
        now = int(await self._store.now() * 1000)
        found: list[tuple[bytes, float]] = await self._store.command(
            "ZRANGEBYSCORE", self._keys.forced(credential), now - DAY_MS, "+inf", "WITHSCORES"
        )
        moments = [int(score) for _, score in found]
        wait = max(0, moments[-1] + FORCED_GAP_MS - now) if moments else 0
        if len(moments) >= FORCED_PER_DAY:
            wait = max(wait, moments[-FORCED_PER_DAY] + DAY_MS - now)
        return ForcedCounts(len(moments), wait / 1000)

    def _count_local(self, appid: str) -> tuple[float, str]:
        """Count like `count_request.lua`, but only the requests of this process."""
        now = self._clock()
        minute, day = _windows(now)
        last_minute, in_minute, last_day, in_day = self._local.get(appid, (minute, 0, day, 0))
        in_minute, in_day = in_minute if last_minute == minute else 0, in_day if last_day == day else 0
        if in_day >= self._limits["day"]:
            return until_next_day(now), "day"
        if in_minute >= self._limits["minute"]:
            return MINUTE - now % MINUTE, "minute"
        self._local[appid] = (minute, in_minute + 1, day, in_day + 1)
        return 0.0, ""


def _windows(now: float) -> tuple[int, int]:
    return int(now // MINUTE), int((now + CHINA) // DAY)
