"""Keeps one credential valid: from memory, else from Redis, else from WeChat under the lock."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from wxbus.errors import StoreUnavailable, TokenRefused, TokenUnavailable
from wxbus.singleflight import SingleFlight
from wxbus.store.lock import Hold
from wxbus_token.alone import Alone
from wxbus_token.credentials import Credential, digest_of
from wxbus_token.failures import State
from wxbus_token.fetcher import Fetcher
from wxbus_token.memory import Held, Memory
from wxbus_token.metrics import Metrics
from wxbus_token.record import Record
from wxbus_token.timing import Timing
from wxbus_token.vault import Late, Vault, Verdict

log = structlog.get_logger("wxbus.token")

LOOK_AGAIN: Final = 0.1
"""Seconds, about, between two looks of those who wait for another instance's fetch."""


class Keeper:
    """Gives one credential's valid value, and sees to it that there is one."""

    def __init__(
        self,
        credential: Credential,
        vault: Vault,
        fetcher: Fetcher,
        timing: Timing,
        metrics: Metrics,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.credential = credential
        self._vault = vault
        self._fetcher = fetcher
        self._timing = timing
        self._metrics = metrics
        self._clock = clock
        self._lock = vault.lock(credential, lease=timing.lease)
        self._memory = Memory(vault, trust=timing.trust, clock=clock)
        self._alone = Alone(fetcher, allowed=timing.without_store, clock=clock)
        self._flights: SingleFlight[str, Held | None] = SingleFlight()
        self._log = log.bind(kind=credential.kind, appid=credential.appid)

    def remaining(self, held: Held) -> float:
        """Return the seconds until `held` expires."""
        return self._memory.remaining(held)

    def left(self) -> float | None:
        """Return for how many seconds what is in memory is valid; None if nothing is."""
        held = self._memory.valid()
        return None if held is None else self.remaining(held)

    async def get(self) -> Held:
        """Return a valid value.

        Raises:
            TokenUnavailable: There is none just now; TokenRefused if waiting does not help.
        """
        if held := self._memory.sure():
            return held
        return _some(await self._flights.do("obtain", self._obtain))

    async def report_invalid(self, value: str) -> Held:
        """Return the value to use instead of `value`; it is replaced only if it is the current one.

        It is the same if WeChat says that it is valid after all, where WeChat does not replace values on demand.

        Raises:
            TokenUnavailable: There is no other just now; TokenRefused if waiting does not help.
        """
        digest = digest_of(value)
        return _some(await self._flights.do(f"report {digest}", lambda: self._report(digest)))

    async def refresh(self) -> Held:
        """Return what WeChat gives when it is asked now, whatever the last failure said: what was wrong is put right.

        Raises:
            TokenUnavailable: It cannot be had just now; TokenRefused if waiting does not help.
        """
        return _some(await self._flights.do("refresh", self._refresh_now))

    def take(self, record: Record) -> None:
        """Believe what Redis has; it was read just now."""
        if not self._memory.take(self.credential, record):
            self._flights.start("store", self._store_again)

    def lose_sight(self) -> None:
        """Redis is away: what is valid in memory serves on, unconfirmed."""
        self._memory.lose_sight()

    def refresh_ahead(self, record: Record, limit: asyncio.Semaphore) -> None:
        """Begin a refresh in the background if the record is due for one."""
        waiting = record.failure is not None and record.failure.wait > 0
        if record.digest and record.refresh_in <= 0 and not waiting:
            self._flights.start("ahead", lambda: self._refresh_ahead(limit))

    async def drain(self) -> None:
        """Return when no fetch is under way any more."""
        await self._flights.drain()

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._flights.aclose()

    async def _look(self) -> Record:
        try:
            (record,) = await self._vault.read([self.credential])
        except StoreUnavailable:
            self.lose_sight()
            raise
        self.take(record)
        return record

    async def _obtain(self) -> Held:
        deadline = self._clock() + self._timing.patience
        try:
            while True:
                record = await self._look()
                if held := self._memory.valid():
                    return held
                _keep_to(record)
                async with self._lock.hold() as hold:
                    if hold is not None and (held := await self._fetch_once(hold, ahead=False)):
                        return held
                if self._clock() >= deadline:
                    raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)
                await asyncio.sleep(LOOK_AGAIN * random.uniform(0.5, 1.5))
        except StoreUnavailable as exc:
            if held := self._memory.valid():
                return held
            if self._alone.may(self.credential):
                return self._memory.keep(await self._alone.fetch(self.credential))
            raise TokenUnavailable("the store is away and no valid token is in memory", retry_after=1.0) from exc

    async def _report(self, digest: str) -> Held:
        # Twice is needed if the reported value becomes the current one only now: after Redis lost its data, WeChat's
        # normal mode gives the dead one again, and it must be the current one to be known as dead.
        for _ in range(3):
            try:
                verdict = await self._vault.report(self.credential, digest)
            except StoreUnavailable as exc:
                self.lose_sight()
                return await self._without_store(digest, exc)
            self._metrics.reports.labels(self.credential.kind, self.credential.appid, verdict.value).inc()
            self._log.info("token.reported", verdict=verdict.value, digest=digest[:8])
            if verdict is Verdict.NONE or (verdict is not Verdict.CONFIRMED and self._memory.holds(digest)):
                self._memory.forget()
            held = _some(await self._flights.do("obtain", self._obtain))
            # The same once more, where WeChat replaces nothing on demand: WeChat has just said that it is valid.
            if held.digest != digest or (verdict is not Verdict.NONE and not self.credential.forcible):
                return held
        raise TokenUnavailable("WeChat gives no other token than the dead one", retry_after=1.0)

    async def _without_store(self, digest: str, cause: StoreUnavailable) -> Held:
        """Return another value than the dead one although Redis is away; never by force, whose limits Redis counts."""
        held = self._memory.valid()
        if held is not None and held.digest != digest:
            return held
        self._memory.forget()
        if self._alone.may(self.credential):
            held = self._memory.keep(await self._alone.fetch(self.credential))
            if held.digest != digest:
                return held
            self._memory.forget()
        raise TokenUnavailable("the store is away, a dead token cannot be replaced", retry_after=1.0) from cause

    async def _refresh_ahead(self, limit: asyncio.Semaphore) -> Held | None:
        try:
            async with limit, self._lock.hold() as hold:
                return await self._fetch_once(hold, ahead=True) if hold is not None else None
        except StoreUnavailable:
            return None

    async def _fetch_once(self, hold: Hold, *, ahead: bool) -> Held | None:
        """Look again now that we have the lock, then fetch and store; None if our hold turned out to be late.

        Raises:
            TokenUnavailable: The fetch failed; all instances keep to the wait that was noted.
        """
        record = await self._look()
        held = self._memory.valid()
        if held is not None and not (ahead and record.refresh_in <= 0):
            return held
        _keep_to(record)
        return await self._fetch(record, hold)

    async def _refresh_now(self) -> Held:
        try:
            async with self._lock.hold() as hold:
                if hold is not None:
                    record = await self._look()
                    _keep_to(replace(record, failure=None))
                    if held := await self._fetch(record, hold):
                        return held
        except StoreUnavailable as exc:
            raise TokenUnavailable("the store is away", retry_after=1.0) from exc
        raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)

    async def _fetch(self, record: Record, hold: Hold) -> Held | None:
        fetched = await self._fetcher.fetch(self.credential, record, hold)
        return None if fetched is None else self._memory.keep(fetched)

    async def _store_again(self) -> None:
        """Store what Redis was away for: with it a refresh token that replaced the stored one."""
        unstored = self._memory.unstored
        if unstored is None:
            return
        try:
            stored = (await self._fetcher.store(self.credential, unstored)).stored
        except Late:
            if self._memory.unstored is unstored:
                self._memory.forget()
        else:
            if stored and self._memory.unstored is unstored:
                self._memory.unstored = None


def _keep_to(record: Record) -> None:
    """Raise what the last failure says while its time is not over, or that nothing may be fetched at all."""
    if record.withdrawn:
        raise TokenRefused(
            "the account has withdrawn its authorisation of the platform", errcode=61003, state=State.REAUTHORIZE
        )
    if record.failure is not None and record.failure.wait > 0:
        raise record.failure.error()


def _some(held: Held | None) -> Held:
    """Return what flights that end without an error have."""
    if held is None:
        raise TypeError("only work in the background ends without a value")
    return held
