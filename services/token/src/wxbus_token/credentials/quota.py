"""How often WeChat is asked for an account's credentials at most, by all instances together: whatever goes wrong with
us, the account's quota is not used up by it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wxbus.errors import StoreUnavailable, WxbusError
from wxbus.store.store import Script, Store

GUARD: Final = Script.of("wxbus_token.lua", "guard.lua")
MINUTE: Final = 60
DAY: Final = 86_400
CHINA: Final = 8 * 3600
"""Seconds that China's clocks are ahead of UTC: WeChat's days begin there (protocol reference 12)."""


class Guarded(WxbusError):
    """WeChat was not asked: this account's figure is reached."""

    def __init__(self, wait: float, *, limit: int, of: str) -> None:
        """`of` is the minute or the day."""
        super().__init__(f"guard: {limit} requests for this account in a {of} are reached, WeChat was not asked")
        self.wait = wait
        self.lasting = of == "day"


@dataclass(frozen=True, slots=True)
class Asked:
    """How often WeChat was asked for an account's credentials."""

    in_minute: int = 0
    in_day: int = 0


class Quota:
    """Counts in Redis; what cannot be counted there, in this process alone."""

    def __init__(
        self, store: Store, *, namespace: str, per_minute: int, per_day: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._limits = {"minute": per_minute, "day": per_day}
        self._clock = clock
        self._alone: dict[str, tuple[int, int, int, int]] = {}

    async def admit(self, appid: str) -> None:
        """Return if WeChat may be asked once, and count it; raises Guarded."""
        try:
            limits = list(self._limits.values())
            wait, reached = await self._store.run(GUARD, keys=[self._key(appid)], args=limits)
            wait, of = float(wait), reached.decode()
        except StoreUnavailable:
            wait, of = self._admit_alone(appid)
        if of:
            raise Guarded(max(wait, 1.0), limit=self._limits[of], of=of)

    async def asked(self, appids: Sequence[str]) -> list[Asked]:
        """Return the counts of accounts; raises StoreUnavailable."""
        fields = ("minute", "in_minute", "day", "in_day")
        rows = await asyncio.gather(*(self._store.command("HMGET", self._key(appid), *fields) for appid in appids))
        minute, day = _windows(await self._store.now())
        found = [[int(value or 0) for value in row] for row in rows]
        return [Asked(row[1] if row[0] == minute else 0, row[3] if row[2] == day else 0) for row in found]

    def _admit_alone(self, appid: str) -> tuple[float, str]:
        """Say the same as the script, of what this process alone has asked for."""
        now = self._clock()
        minute, day = _windows(now)
        last_minute, in_minute, last_day, in_day = self._alone.get(appid, (minute, 0, day, 0))
        in_minute, in_day = in_minute if last_minute == minute else 0, in_day if last_day == day else 0
        if in_day >= self._limits["day"]:
            return until_next_day(now), "day"
        if in_minute >= self._limits["minute"]:
            return MINUTE - now % MINUTE, "minute"
        self._alone[appid] = (minute, in_minute + 1, day, in_day + 1)
        return 0.0, ""

    def _key(self, appid: str) -> str:
        return f"{self._namespace}:token:{{asked:{appid}}}:counts"


def until_next_day(now: float) -> float:
    """Return the seconds until WeChat's quotas begin anew."""
    return DAY - (now + CHINA) % DAY


def _windows(now: float) -> tuple[int, int]:
    return int(now // MINUTE), int((now + CHINA) // DAY)
