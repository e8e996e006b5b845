"""Keeps one credential valid: from memory, else from Redis, else from WeChat under the lock."""

import asyncio
import dataclasses
import random
from collections.abc import Callable
from typing import Final

import structlog

from wxbus.aio.singleflight import SingleFlight
from wxbus.errors import StoreUnavailable, TokenRefused, TokenUnavailable
from wxbus.store.lock import Hold
from wxbus_token.credentials.cache import CredentialCache, Held
from wxbus_token.credentials.failures import State
from wxbus_token.credentials.fetcher import Fetcher
from wxbus_token.credentials.inspector import Inspector
from wxbus_token.credentials.record import Record
from wxbus_token.credentials.store import CredentialStore, Late, Verdict
from wxbus_token.credentials.timing import Timing
from wxbus_token.credentials.without_store import WithoutStore
from wxbus_token.kinds import Credential, digest_of

log = structlog.get_logger("wxbus.token")

LOOK_AGAIN: Final = 0.1
"""Seconds, about, between two looks of those who wait for another instance's fetch."""
OURSELVES: Final = "the token service"
"""Reports what a fetch with another credential's value finds."""


class CredentialManager:
    """Gives one credential's valid value, and sees to it that there is one."""

    def __init__(
        self,
        credential: Credential,
        credential_store: CredentialStore,
        fetcher: Fetcher,
        inspector: Inspector,
        timing: Timing,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.credential = credential
        self._credential_store = credential_store
        self._fetcher = fetcher
        self._inspector = inspector
        self._timing = timing
        self._clock = clock
        self._lock = credential_store.lock(credential, lease=timing.lease)
        self._memory = CredentialCache(credential_store, trust=timing.trust, clock=clock)
        self._alone = WithoutStore(fetcher, allowed=timing.without_store, clock=clock)
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

    def serves_alone(self) -> bool:
        """Say whether `get` has a value without Redis."""
        return self._memory.valid() is not None or self._alone.may(self.credential)

    async def report_invalid(self, value: str, *, by: str = OURSELVES) -> Held:
        """Return the value to use instead of `value`; the same one if WeChat accepts it.

        `by` is who reports: a caller whose reports WeChat contradicts again and again is given what is in use.

        Raises:
            TokenUnavailable: There is no other just now; TokenRefused if waiting does not help.
        """
        if self._inspector.ignores(self.credential, by):
            return await self.get()
        return _some(await self._flights.do(f"report {digest_of(value)}", lambda: self._report(value, by)))

    async def refresh(self, *, replace: bool = False) -> Held:
        """Return what WeChat gives when it is asked now, whatever the last failure said: what was wrong is put right.

        `replace`: a new value, if WeChat makes one on demand; the one in use ends.

        Raises:
            TokenUnavailable: It cannot be had just now; TokenRefused if waiting does not help.
        """
        return _some(await self._flights.do(f"refresh {replace}", lambda: self._refresh_now(replace=replace)))

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
        if record.digest and (record.refresh_in <= 0 or record.dead) and not waiting:
            self._flights.start("ahead", lambda: self._refresh_ahead(limit))

    async def drain(self) -> None:
        """Return when no fetch is under way any more."""
        await self._flights.drain()

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._flights.aclose()

    async def _look(self) -> Record:
        try:
            (record,) = await self._credential_store.read([self.credential])
        except StoreUnavailable:
            self.lose_sight()
            raise
        self.take(record)
        return record

    async def _obtain(self) -> Held:
        deadline = self._clock() + self._timing.wait_timeout
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

    async def _report(self, value: str, by: str) -> Held:
        digest = digest_of(value)
        # Twice is needed if the reported value becomes the current one only now: after Redis lost its data, WeChat's
        # normal mode gives the dead one again, and it must be the current one to be known as dead.
        for _ in range(3):
            try:
                verdict = await self._inspector.judge(self.credential, value, by)
                if verdict is Verdict.CURRENT:
                    return await self._ask_about(digest)
            except StoreUnavailable as exc:
                self.lose_sight()
                return await self._without_store(value, by, exc)
            if self._memory.holds(digest) and verdict is not Verdict.CONFIRMED:
                held = self._memory.valid()
                if verdict is Verdict.NONE and held and await self._inspector.accepted(self.credential, value, by):
                    return held
                self._memory.forget()
            held = _some(await self._flights.do("obtain", self._obtain))
            # The same once more, where WeChat replaces nothing on demand: WeChat has just said that it is valid.
            same_is_valid = verdict is Verdict.CONFIRMED or not (verdict is Verdict.NONE or self.credential.forcible)
            if held.digest != digest or same_is_valid:
                return held
        raise TokenUnavailable("WeChat gives no other token than the dead one", retry_after=1.0)

    async def _ask_about(self, digest: str) -> Held:
        """Return what WeChat gives in normal mode in place of a value that was reported and could not be checked.

        The value stays in use meanwhile; it is valid if WeChat gives it again.

        Raises:
            TokenUnavailable: Asking would end the value, or WeChat does not answer.
            StoreUnavailable: Redis does not answer.
        """
        if not self.credential.repeatable:
            raise TokenUnavailable("WeChat could not be asked about the reported token", retry_after=1.0)
        deadline = self._clock() + self._timing.wait_timeout
        while await self._credential_store.report(self.credential, digest) is Verdict.CURRENT:
            async with self._lock.hold() as hold:
                if hold is not None:
                    record = await self._look()
                    if await self._credential_store.report(self.credential, digest) is Verdict.CURRENT:
                        _keep_to(record)
                        await self._fetch(record, hold, suspected=True)
                    break
            if self._clock() >= deadline:
                raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)
            await asyncio.sleep(LOOK_AGAIN * random.uniform(0.5, 1.5))
        return _some(await self._flights.do("obtain", self._obtain))

    async def _without_store(self, value: str, by: str, cause: StoreUnavailable) -> Held:
        """Return another value than the dead one although Redis is away; never by force, whose limits Redis counts."""
        digest, held = digest_of(value), self._memory.valid()
        if held is not None and held.digest != digest:
            return held
        accepted = await self._inspector.accepted(self.credential, value, by)
        if held is not None and accepted:
            return held
        if accepted is False:
            self._memory.forget()
        if self._alone.may(self.credential):
            held = self._memory.keep(await self._alone.fetch(self.credential))
            if held.digest != digest or accepted is not False:
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

    async def _refresh_now(self, *, replace: bool) -> Held:
        try:
            async with self._lock.hold() as hold:
                if hold is not None:
                    record = await self._look()
                    _keep_to(dataclasses.replace(record, failure=None))
                    if held := await self._fetch(record, hold, replace=replace):
                        return held
        except StoreUnavailable as exc:
            raise TokenUnavailable("the store is away", retry_after=1.0) from exc
        raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)

    async def _fetch(
        self, record: Record, hold: Hold, *, suspected: bool = False, replace: bool = False
    ) -> Held | None:
        fetched = await self._fetcher.fetch(self.credential, record, hold, suspected=suspected, replace=replace)
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
