"""One loop reads the records of all credentials that have changed, and refreshes those that are due."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, NoReturn

import structlog

from wxbus.aio.ticks import until_tick
from wxbus.errors import StoreUnavailable
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.registry.notifications import Subscription

log = structlog.get_logger("wxbus.token")

REFRESHES: Final = 8
"""Maximum number of concurrent refreshes ahead of expiry in one instance."""
BATCH: Final = 200
"""Records that one command checks."""


class RefreshLoop:
    """Updates all managers from Redis, and starts refreshes ahead of expiry."""

    def __init__(self, authority: Authority, credential_store: CredentialStore, *, poll_interval: float) -> None:
        self._authority = authority
        self._credential_store = credential_store
        self._poll_interval = poll_interval
        self._limit = asyncio.Semaphore(REFRESHES)
        self._store_unavailable = False

    async def run(self, subscription: Subscription) -> NoReturn:
        """Check all records after each interval, and the records that `subscription` names at once, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._try_tick()
            until = loop.time() + until_tick(self._poll_interval)
            while (left := until - loop.time()) > 0:
                if names := await subscription.names(left):
                    await self._try_tick(names)

    async def tick(self, names: Collection[str] | None = None) -> None:
        """Read the records that have changed or are due, or those with these names; start refreshes that are due."""
        managers = self._authority.managers()
        if names is not None:
            managers = [manager for manager in managers if manager.credential.name in names]
        try:
            for first in range(0, len(managers), BATCH):
                batch = managers[first : first + BATCH]
                await self._update(batch if names is not None else await self._changed(batch))
        except StoreUnavailable as exc:
            for manager in self._authority.managers():
                manager.cache.mark_store_unavailable()
            if not self._store_unavailable:
                log.warning("token.store_unavailable", reason=str(exc))
            self._store_unavailable = True
            return
        if self._store_unavailable:
            log.info("token.store_recovered")
        self._store_unavailable = False

    async def _changed(self, managers: Sequence[CredentialManager]) -> Sequence[CredentialManager]:
        """Return the managers whose record must be read; the values of the others are confirmed."""
        credentials, stamps = [each.credential for each in managers], [each.stamp for each in managers]
        readings = [each.cache.reading() for each in managers]
        positions = await self._credential_store.changed(credentials, stamps)
        changed = []
        for position, (manager, reading) in enumerate(zip(managers, readings, strict=True)):
            if position in positions or manager.stamp != stamps[position]:
                changed.append(manager)
            else:
                manager.cache.confirm(reading)
        return changed

    async def _update(self, managers: Sequence[CredentialManager]) -> None:
        if managers:
            readings = [manager.cache.reading() for manager in managers]
            records = await self._credential_store.read([manager.credential for manager in managers])
            for manager, record, reading in zip(managers, records, readings, strict=True):
                if manager.update(record, reading):
                    manager.refresh_if_due(record, self._limit)

    async def _try_tick(self, names: Collection[str] | None = None) -> None:
        try:
            await self.tick(names)
        except Exception:
            # One faulty record must not end the refreshing of all others.
            log.exception("token.refresh_loop_failed")
