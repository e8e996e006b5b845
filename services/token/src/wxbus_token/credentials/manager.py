"""Keeps one credential valid: from memory, else from Redis, else from WeChat under the lock."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from wxbus.aio.singleflight import SingleFlight
from wxbus.errors import StoreUnavailable, TokenUnavailable
from wxbus.store.lock import Hold
from wxbus_token.credentials.cache import CachedValue, CredentialCache, Reading
from wxbus_token.credentials.errors import StaleFence
from wxbus_token.credentials.fetcher import Fetcher
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.credentials.storeless import StorelessFetcher
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import Credential

UNKNOWN: Final = b"?"
"""The stamp of no record."""
POLL_INTERVAL: Final = 0.1
"""Approximate seconds between two reads while another instance fetches."""


class CredentialManager:
    """Returns one credential's valid value, and refreshes it ahead of its expiry."""

    def __init__(
        self,
        credential: Credential,
        credential_store: CredentialStore,
        fetcher: Fetcher,
        storeless: StorelessFetcher,
        timing: Timing,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.credential = credential
        self.cache = CredentialCache(credential_store, max_unconfirmed=timing.max_unconfirmed, clock=clock)
        self.lock = credential_store.lock(credential, lease=timing.lease)
        self._credential_store = credential_store
        self._fetcher = fetcher
        self._storeless = storeless
        self._timing = timing
        self._clock = clock
        self._stamp = UNKNOWN
        self._calls: SingleFlight[str, CachedValue] = SingleFlight()
        self._background: SingleFlight[str, None] = SingleFlight()

    async def get(self) -> CachedValue:
        """Return a valid value.

        Raises:
            TokenUnavailable: There is none now; TokenRefused if waiting does not help.
        """
        return self.cache.fresh() or await self.obtain()

    async def obtain(self) -> CachedValue:
        """Return a valid value from Redis, else from WeChat; concurrent calls are joined. Raises as `get`."""
        return await self._calls.do("obtain", self._obtain)

    async def _obtain(self) -> CachedValue:
        deadline = self.deadline()
        try:
            while True:
                record = await self.read()
                if cached := self.cache.valid():
                    return cached
                record.check_fetch()
                async with self.lock.hold() as hold:
                    if hold is not None and (cached := await self._fetch_missing(hold)):
                        return cached
                await self.wait_for_other(deadline)
        except StoreUnavailable as exc:
            if cached := self.cache.valid() or await self.fetch_without_store():
                return cached
            raise TokenUnavailable("Redis is unavailable and no valid token is in memory", retry_after=1.0) from exc

    async def _fetch_missing(self, hold: Hold) -> CachedValue | None:
        """Return the value that another instance stored before we had the lock, else a value from WeChat."""
        record = await self.read()
        if cached := self.cache.valid():
            return cached
        record.check_fetch()
        return await self.fetch(record, hold)

    async def refresh(self, *, replace: bool = False) -> CachedValue:
        """Fetch the value from WeChat now, even during the wait after a failure.

        `replace` requests a new value, if WeChat issues one on demand; the value in use becomes invalid.

        Raises:
            TokenUnavailable: The value is not available now; TokenRefused if waiting does not help.
        """
        return await self._calls.do(f"refresh {replace}", lambda: self._refresh(replace=replace))

    async def _refresh(self, *, replace: bool) -> CachedValue:
        try:
            async with self.lock.hold() as hold:
                if hold is not None:
                    record = await self.read()
                    record.check_fetch(ignore_failure=True)
                    if cached := await self.fetch(record, hold, replace=replace):
                        return cached
        except StoreUnavailable as exc:
            raise TokenUnavailable("Redis is unavailable", retry_after=1.0) from exc
        raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)

    def refresh_if_due(self, record: Record, limit: asyncio.Semaphore) -> None:
        """Start a refresh in the background if the record is due; `limit` bounds the refreshes at one time."""
        if record.due:
            self._background.start("refresh", lambda: self._refresh_ahead(limit))

    async def _refresh_ahead(self, limit: asyncio.Semaphore) -> None:
        try:
            async with limit, self.lock.hold() as hold:
                if hold is None:
                    return
                record = await self.read()
                if self.cache.valid() and record.refresh_in > 0:
                    return
                record.check_fetch()
                await self.fetch(record, hold)
        except StoreUnavailable:
            return

    async def read(self) -> Record:
        """Return the record from Redis, and update the cache from it.

        Raises:
            StoreUnavailable: Redis does not answer; the cache serves its value unconfirmed from now on.
        """
        reading = self.cache.reading()
        try:
            (record,) = await self._credential_store.read([self.credential])
        except StoreUnavailable:
            self.cache.mark_store_unavailable()
            raise
        self.update(record, reading)
        return record

    @property
    def stamp(self) -> bytes:
        """Return the stamp of the record that the cache was updated from last; UNKNOWN if it must be read again."""
        return self._stamp if self.cache.unstored is None else UNKNOWN

    def update(self, record: Record, reading: Reading) -> bool:
        """Update the cache from a record; False if the record is outdated, and must be read again."""
        if self.cache.outdated(reading):
            return False
        if self.cache.update(self.credential, record, reading):
            self._stamp = record.stamp
        else:
            self._stamp = UNKNOWN
            self._background.start("store", self._store_again)
        return True

    async def _store_again(self) -> None:
        """Store a value that was fetched while Redis was unavailable; its refresh token has replaced the stored one."""
        unstored = self.cache.unstored
        if unstored is None:
            return
        try:
            stored = (await self._fetcher.store(self.credential, unstored)).stored_at is not None
        except StaleFence:
            if self.cache.unstored is unstored:
                self.cache.clear()
        else:
            if stored and self.cache.unstored is unstored:
                self.cache.unstored = None

    async def fetch(
        self, record: Record, hold: Hold, *, suspected: bool = False, replace: bool = False
    ) -> CachedValue | None:
        """Return the value that follows `record`, cached and stored; arguments and errors as `Fetcher.fetch`."""
        fetched = await self._fetcher.fetch(self.credential, record, hold, suspected=suspected, replace=replace)
        return None if fetched is None else self.cache.put(fetched)

    async def fetch_without_store(self) -> CachedValue | None:
        """Return a value that was fetched without Redis, None if that is not allowed; raises TokenUnavailable."""
        if not self._storeless.available(self.credential):
            return None
        return self.cache.put(await self._storeless.fetch(self.credential))

    def serves_without_store(self) -> bool:
        """Return whether `get` can return a value while Redis is unavailable."""
        return self.cache.valid() is not None or self._storeless.available(self.credential)

    def remaining(self) -> float | None:
        """Return the seconds for which the cached value is valid; None if there is none."""
        cached = self.cache.valid()
        return None if cached is None else self.cache.remaining(cached)

    def deadline(self) -> float:
        """Return the time until which a call that begins now waits for another instance."""
        return self._clock() + self._timing.wait_timeout

    async def wait_for_other(self, deadline: float) -> None:
        """Wait a moment for another instance's fetch; raises TokenUnavailable after the deadline."""
        if self._clock() >= deadline:
            raise TokenUnavailable("another instance is fetching the token", retry_after=1.0)
        await asyncio.sleep(POLL_INTERVAL * random.uniform(0.5, 1.5))

    async def drain(self) -> None:
        """Return when no fetch is under way."""
        await self._calls.drain()  # first: a call may start background work
        await self._background.drain()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await asyncio.gather(self._calls.aclose(), self._background.aclose())
