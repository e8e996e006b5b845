"""Keeps one credential valid: from memory, else from Redis, else from WeChat under the lock."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from wxbus.api.stable_token import FetchedToken
from wxbus.errors import StoreUnavailable, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus.singleflight import SingleFlight
from wxbus.store.lock import Hold
from wxbus_token.credentials import Credential, digest_of
from wxbus_token.failures import Failure, failure_of
from wxbus_token.keyring import Unsealable
from wxbus_token.metrics import Metrics
from wxbus_token.vault import Late, Record, Vault, Verdict

log = structlog.get_logger("wxbus.token")

WRITE_ATTEMPTS: Final = 3
LOOK_AGAIN: Final = 0.1
"""Seconds, about, between two looks of those who wait for another instance's fetch."""
SAME_AGAIN: Final = 30.0
"""Seconds until the next try if even a forced refresh gave the dead token."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of all kinds; the defaults are meant for WeChat."""

    lease: float = 15.0
    """Of the lock: longer than a fetch may take; renewed while the holder lives."""
    margin: float = 300.0
    """Refresh so long before the end: from then on WeChat gives the next token (protocol reference 8.1)."""
    patience: float = 8.0
    """How long a caller waits for another instance's fetch."""
    poll: float = 1.0
    """Between two readings of all records."""
    trust: float = 3.0
    """What Redis has not confirmed for so long is looked up before it is given, unless Redis is known to be away."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value in memory."""

    value: str = field(repr=False)
    digest: str
    expires: float
    """On this process's monotonic clock."""


class Keeper:
    """Gives one credential's valid value, and sees to it that there is one."""

    def __init__(
        self,
        credential: Credential,
        vault: Vault,
        timing: Timing,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.credential = credential
        self._vault = vault
        self._timing = timing
        self._metrics = metrics
        self._clock = clock
        self._lock = vault.lock(credential, lease=timing.lease)
        self._held: Held | None = None
        self._confirmed = -float("inf")
        self._away = False
        self._unsealable = ""
        self._flights: SingleFlight[str, Held] = SingleFlight()
        self._log = log.bind(kind=credential.kind, appid=credential.appid)

    def remaining(self, held: Held) -> float:
        """Return the seconds until `held` expires."""
        return held.expires - self._clock()

    async def get(self) -> Held:
        """Return a valid value.

        Raises:
            TokenUnavailable: There is none just now; TokenRefused if waiting does not help.
        """
        held = self._valid()
        if held is not None and (self._away or self._clock() - self._confirmed < self._timing.trust):
            return held
        return await self._flights.do("obtain", self._obtain)

    async def report_invalid(self, value: str) -> Held:
        """Return the value to use instead of `value`; it is replaced only if it is the current one.

        Raises:
            TokenUnavailable: There is no other just now; TokenRefused if waiting does not help.
        """
        digest = digest_of(value)
        return await self._flights.do(f"report {digest}", lambda: self._report(digest))

    def take(self, record: Record) -> None:
        """Believe what Redis has; it was read just now."""
        self._away, self._confirmed = False, self._clock()
        if not record.digest:
            return  # Redis lost it: what we have is no worse for that
        if record.dead or record.expires_in <= 0:
            self._held = None
            return
        expires = self._clock() + record.expires_in
        if self._held is not None and self._held.digest == record.digest:
            self._held = Held(self._held.value, record.digest, expires)
            return
        try:
            self._held = Held(self._vault.unseal(self.credential, record), record.digest, expires)
        except Unsealable as exc:
            self._held = None
            if self._unsealable != record.digest:  # once, not at every reading
                self._unsealable = record.digest
                self._log.error("token.unsealable", reason=str(exc))

    def lose_sight(self) -> None:
        """Redis is away: what is valid in memory serves on, unconfirmed."""
        self._away = True

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

    def _valid(self) -> Held | None:
        return self._held if self._held is not None and self.remaining(self._held) > 0 else None

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
                if held := self._valid():
                    return held
                _keep_to(record)
                async with self._lock.hold() as hold:
                    if hold is not None and (held := await self._fetch_once(hold, ahead=False)):
                        return held
                if self._clock() >= deadline:
                    raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)
                await asyncio.sleep(LOOK_AGAIN * random.uniform(0.5, 1.5))
        except StoreUnavailable as exc:
            if held := self._valid():
                return held
            raise TokenUnavailable("the store is away and no valid token is in memory", retry_after=1.0) from exc

    async def _report(self, digest: str) -> Held:
        # Twice is needed if the reported value becomes the current one only now: after Redis lost its data, WeChat's
        # normal mode gives the dead one again, and it must be the current one to be known as dead.
        for _ in range(3):
            try:
                verdict = await self._vault.report(self.credential, digest)
            except StoreUnavailable as exc:
                self.lose_sight()
                held = self._valid()
                if held is not None and held.digest != digest:
                    return held
                self._held = None
                raise TokenUnavailable("the store is away, a dead token cannot be replaced", retry_after=1.0) from exc
            self._metrics.reports.labels(self.credential.kind, self.credential.appid, verdict.value).inc()
            self._log.info("token.reported", verdict=verdict.value, digest=digest[:8])
            if verdict is Verdict.NONE or (self._held is not None and self._held.digest == digest):
                self._held = None
            held = await self._flights.do("obtain", self._obtain)
            if held.digest != digest:
                return held
        raise TokenUnavailable("WeChat gives no other token than the dead one", retry_after=1.0)

    async def _refresh_ahead(self, limit: asyncio.Semaphore) -> Held:
        try:
            async with limit, self._lock.hold() as hold:
                if hold is not None and (held := await self._fetch_once(hold, ahead=True)):
                    return held
        except StoreUnavailable as exc:
            raise TokenUnavailable("the store is away", retry_after=1.0) from exc
        raise TokenUnavailable("another instance is refreshing", retry_after=1.0)

    async def _fetch_once(self, hold: Hold, *, ahead: bool) -> Held | None:
        """Look again now that we have the lock, then fetch and store; None if our hold turned out to be late.

        Raises:
            TokenUnavailable: The fetch failed; all instances keep to the wait that was noted.
        """
        record = await self._look()
        held = self._valid()
        if held is not None and not (ahead and record.refresh_in <= 0):
            return held
        _keep_to(record)
        began = self._clock()
        try:
            fetched = await self._fetch(record, hold)
        except Late:
            return None
        except (WeChatError, WeChatUnavailable) as exc:
            failure = failure_of(exc, record.failures)
            await self._note(failure, hold)
            raise failure.error() from exc
        # WeChat counted from some moment after `began`: ours ends earlier rather than later.
        life = fetched.expires_in - (self._clock() - began)
        if not await self._store(fetched, life, hold):
            return None
        self._held = held = Held(fetched.value, digest_of(fetched.value), began + fetched.expires_in)
        self._confirmed = self._clock()
        return held

    async def _fetch(self, record: Record, hold: Hold) -> FetchedToken:
        fetched = await self.credential.fetch(force=False)
        if not record.dead or digest_of(fetched.value) != record.digest:
            self._count("ok")
            self._log.info("token.fetched", forced=False, expires_in=fetched.expires_in)
            return fetched
        # Normal mode gives the very token that was reported dead: only now, and within WeChat's limits, by force.
        if wait := await self._vault.draw_forced(self.credential, fence=hold.fence):
            failure = Failure("WeChat's limit of forced refreshes is reached", wait, lasting=False)
            await self._note(failure, hold)
            raise failure.error()
        fetched = await self.credential.fetch(force=True)
        if digest_of(fetched.value) == record.digest:
            failure = Failure("WeChat gives the dead token again, even by force", SAME_AGAIN, lasting=False)
            await self._note(failure, hold)
            raise failure.error()
        self._count("forced")
        self._log.warning("token.fetched", forced=True, expires_in=fetched.expires_in)
        return fetched

    async def _store(self, fetched: FetchedToken, life: float, hold: Hold) -> bool:
        """Write; False if another drew a number since. With Redis away the value serves from memory alone."""
        refresh_in = life - min(self._timing.margin * random.uniform(0.8, 1.0), life / 2)
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                await self._vault.write(
                    self.credential,
                    FetchedToken(fetched.value, int(life)),
                    refresh_in=refresh_in,
                    fence=hold.fence,
                )
            except Late:
                self._count("late")
                self._log.warning("token.late", fence=hold.fence)
                return False
            except StoreUnavailable:
                self.lose_sight()
                self._log.warning("token.not_stored", attempt=attempt)
            else:
                return True
        return True

    def _count(self, outcome: str) -> None:
        self._metrics.fetches.labels(self.credential.kind, self.credential.appid, outcome).inc()

    async def _note(self, failure: Failure, hold: Hold) -> None:
        self._count("refused" if failure.lasting else "failed")
        event = self._log.error if failure.lasting else self._log.warning
        event("token.fetch_failed", reason=failure.text, errcode=failure.errcode, wait=round(failure.wait, 1))
        try:
            await self._vault.fail(self.credential, failure, fence=hold.fence)
        except StoreUnavailable:
            self.lose_sight()


def _keep_to(record: Record) -> None:
    """Raise what the last failure says while its time is not over."""
    if record.failure is not None and record.failure.wait > 0:
        raise record.failure.error()
