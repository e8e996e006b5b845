"""Counts API calls of all workers in Redis, and stops them at WeChat's limits (implements `ApiLimits`)."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from wxbus.api.limits import CLOSING, DAY_QUOTA, WECHAT, Limit, LimitTable
from wxbus.errcodes import error_code
from wxbus.errors import StoreUnavailable, WeChatError
from wxbus.store.batches import Argument
from wxbus_worker.store.scripts import Scripts, load

TRUSTED_SECONDS: Final = 10.0
"""Seconds for which granted calls may be made without asking Redis: a process learns of a closed endpoint by then."""
MAX_CALLS: Final = 200
"""Calls that Redis grants a process at once, if it makes that many."""
CLOSED_SECONDS: Final = 600.0
"""Longest time without calls after 45009: an operator may have cleared the quota."""

NO_PERIODS: Final = ("", "", "")

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Grant:
    """The calls of one endpoint of one account that a process may make."""

    calls: int = 0
    until: float = 0.0
    """`time.monotonic()`."""
    wanted: int = 1
    periods: Sequence[bytes | str] = NO_PERIODS
    """The day, hour and minute in which the calls were granted."""
    refusal: tuple[int, float, float] | None = None
    """Errcode, the `time.monotonic()` at which the limit ends, and the one at which Redis is asked again."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RedisApiLimits:
    """Asks Redis for several calls at once, and gives back unused calls."""

    def __init__(
        self,
        scripts: Scripts,
        *,
        namespace: str,
        table: LimitTable = WECHAT,
        limits: Mapping[str, Limit] | None = None,
        account_of: Callable[[str], str] = str,
        counted_as: Callable[[str], str] = str,
        closed_seconds: float = CLOSED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count under `namespace`.

        Args:
            scripts: Runs scripts.
            namespace: First part of every key.
            table: WeChat's limits.
            limits: Overrides, by path, or by account and path with a space between.
            account_of: Returns the account's name for an appid.
            counted_as: Returns the id under which the calls of an appid are counted; its corp in WeCom.
            closed_seconds: The longest time for which an endpoint is not called after 45009.
            clock: The monotonic clock.
        """
        self._scripts = scripts
        self._namespace = namespace
        self._table = table
        self._limits = {**table.by_path, **(limits or {})}
        self._account_of = account_of
        self._counted_as = counted_as
        self._closed_seconds = closed_seconds
        self._clock = clock
        self._grants: dict[tuple[str, str], _Grant] = {}
        self._take = load("take_api_calls")
        self._close = load("close_api")

    async def acquire(self, appid: str, path: str) -> None:
        """Count a call that is made now, or raise WeChat's error for it; without Redis nothing is counted."""
        grant = self._grants.get((appid, path))
        if grant is None:
            grant = self._grants[appid, path] = _Grant()
        if grant.calls == 0 or self._clock() >= grant.until:
            async with grant.lock:
                if grant.calls == 0 or self._clock() >= grant.until:
                    await self._refill(grant, appid, path)
        grant.calls -= 1

    async def acquire_user(self, appid: str, path: str, user: str) -> None:
        """Count a message to a user, or raise WeChat's error for it; without Redis nothing is counted."""
        limit = self._table.per_user.get(path)
        if limit is None:
            return
        key, args = f"{self._key(appid, path)}:{appid}:{user}", [1, 0, *_arguments(limit, NO_PERIODS)]
        try:
            calls, *more = await self._scripts.run(self._take, keys=[key], args=args)
        except StoreUnavailable:
            return
        if not calls:
            wait_ms, errcode = more
            raise _refusal(errcode, path, wait_ms / 1000)

    async def refused(self, appid: str, path: str, error: WeChatError) -> None:
        """Stop the calls of all workers to the endpoint until the limit ends, if the errcode is one of a limit."""
        if error.errcode not in CLOSING:
            return
        day = error.errcode == DAY_QUOTA
        seconds = self._closed_seconds if day else float(error.code.wait or 0)
        log.warning("api.closed", appid=appid, path=path, errcode=error.errcode, seconds=seconds)
        grant = self._grants.setdefault((appid, path), _Grant())
        until = self._clock() + seconds
        grant.calls, grant.refusal = 0, (error.errcode, until, until)
        try:
            await self._scripts.run(
                self._close, keys=[self._key(appid, path)], args=[error.errcode, round(seconds * 1000), int(day)]
            )
        except StoreUnavailable:
            log.info("api.closed_here_only", appid=appid, path=path)

    async def _refill(self, grant: _Grant, appid: str, path: str) -> None:
        now = self._clock()
        if grant.refusal is not None:
            errcode, until, ask_at = grant.refusal
            if now < ask_at:
                raise _refusal(errcode, path, until - now)
            grant.refusal = None
        known = self._limits.get(f"{self._account_of(appid)} {path}") or self._limits.get(path)
        limit = self._table.others if known is None else known
        largest = min([MAX_CALLS, *(one // 100 for one in (limit.day, limit.hour, limit.minute) if one)])
        grant.wanted = max(1, min(largest, grant.wanted * 2 if grant.calls == 0 else grant.wanted - grant.calls))
        args = [grant.wanted, grant.calls, *_arguments(limit, grant.periods)]
        try:
            calls, *more = await self._scripts.run(self._take, keys=[self._key(appid, path)], args=args)
        except StoreUnavailable:
            grant.calls, grant.until = MAX_CALLS, now + TRUSTED_SECONDS
            return
        grant.calls, grant.until = calls, now + TRUSTED_SECONDS
        if calls:
            grant.periods = more
            return
        grant.periods = NO_PERIODS
        wait_ms, errcode = more
        log.warning("api.limit_reached", appid=appid, path=path, errcode=errcode, seconds=wait_ms / 1000)
        grant.refusal = (errcode, now + wait_ms / 1000, now + min(wait_ms / 1000, TRUSTED_SECONDS))
        raise _refusal(errcode, path, wait_ms / 1000)

    def _key(self, appid: str, path: str) -> str:
        return f"{self._namespace}:api_calls:{self._counted_as(appid)}:{path}"


def _arguments(limit: Limit, periods: Sequence[bytes | str]) -> list[Argument]:
    """Return the last arguments of the script."""
    return [one for pair in zip((limit.day, limit.hour, limit.minute), periods, strict=True) for one in pair]


def _refusal(errcode: int, path: str, wait: float) -> WeChatError:
    error = WeChatError(errcode, f"{error_code(errcode).meaning}, for {wait:.0f} s (counted by wxbus)", call=path)
    error.retry_after = wait
    return error
