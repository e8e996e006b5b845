"""The credentials of all accounts, kept valid by one keeper each; one loop reads Redis for all of them."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final, TypeAlias

import structlog

from wxbus.api.tokens import TokenSource
from wxbus.errors import StoreUnavailable, TokenUnavailable, UnknownAccount
from wxbus_token.credentials.fetcher import Fetcher
from wxbus_token.credentials.inspector import Inspector
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.quota import Quota
from wxbus_token.credentials.store import CredentialStore
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import Credential
from wxbus_token.metrics import Metrics
from wxbus_token.registry.notifications import Subscription

log = structlog.get_logger("wxbus.token")

REFRESHES: Final = 8
"""How many refreshes ahead of expiry run at once in one instance."""
BATCH: Final = 200
"""Records asked for together."""


NAMED: Final = 10
"""Credentials that are named in one text."""

Key: TypeAlias = tuple[str, str]
"""Kind and appid."""


class Authority:
    """Finds the keeper of a credential, and runs what keeps all of them fresh."""

    def __init__(
        self,
        credential_store: CredentialStore,
        guard: Quota,
        credentials: Iterable[Credential],
        timing: Timing,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credential_store = credential_store
        self._timing = timing
        self._clock = clock
        self._inspector = Inspector(credential_store, metrics, clock=clock)
        self._fetcher = Fetcher(credential_store, guard, timing, metrics, clock=clock)
        self._managers: dict[Key, CredentialManager] = {}
        self._on_demand: dict[Key, Credential] = {}
        """Those that have a keeper from the first time on that somebody wants them."""
        self._adopted: set[Key] = set()
        self.keep(credentials)
        self._limit = asyncio.Semaphore(REFRESHES)
        self._away = False

    def keep(self, credentials: Iterable[Credential]) -> None:
        """Keep these from now on, and those that were adopted; one whose secret changed goes on with its value."""
        before = self._managers
        self._managers = {key: manager for key, manager in before.items() if key in self._adopted}
        self._on_demand = {key: credential for key, credential in self._on_demand.items() if key in self._adopted}
        for credential in credentials:
            key = (credential.kind, credential.appid)
            self._adopted.discard(key)
            manager = before.get(key)
            if credential.on_demand:
                self._on_demand[key] = credential
            elif manager is None:
                manager = self._keeper_of(credential)
            if manager is not None:
                manager.credential = credential
                self._managers[key] = manager

    def adopt(self, credentials: Iterable[Credential]) -> None:
        """Keep these too, once somebody wants them: of accounts that no list of accounts has."""
        for credential in credentials:
            key = (credential.kind, credential.appid)
            if key not in self._on_demand:
                self._on_demand[key] = credential
                self._adopted.add(key)

    def find(self, kind: str, appid: str) -> CredentialManager | None:
        """Return the keeper of an account's credential, None if there is no such credential."""
        key = (kind, appid)
        manager = self._managers.get(key)
        if manager is None and (credential := self._on_demand.get(key)):
            manager = self._managers[key] = self._keeper_of(credential)
        return manager

    def manager(self, kind: str, appid: str) -> CredentialManager:
        """Return the keeper of an account's credential, or raise UnknownAccount."""
        if manager := self.find(kind, appid):
            return manager
        raise UnknownAccount(f"there is no account with this appid and a secret for its {kind}")

    def managers(self, appid: str | None = None) -> list[CredentialManager]:
        """Return the keepers of an account, or all there are."""
        return [manager for (_, whose), manager in sorted(self._managers.items()) if appid in (None, whose)]

    def source(self, kind: str) -> TokenSource:
        """Return what gives the credentials of a kind to those that are fetched with them."""
        return _Source(self, kind)

    async def check(self) -> None:
        """Return if `get` would be answered now: from memory, or by way of Redis; raises StoreUnavailable.

        Redis is not asked while anything can be served without it: an instance that serves what it has must not be
        taken out together with all others. What WeChat refuses is a state of all instances, and answered as such.
        """
        if not any(manager.serves_alone() for manager in self._managers.values()):
            await self._credential_store.check()

    async def check_values(self) -> None:
        """Return if every credential has a value in memory; raises TokenUnavailable that names the rest."""
        missing = [":".join(key) for key, manager in sorted(self._managers.items()) if manager.left() is None]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise TokenUnavailable(f"no value in memory: {', '.join(missing[:NAMED])}{more}")

    async def run(self, subscribe: Subscription) -> None:
        """Read all records again and again, refresh those that are due, until cancelled.

        What `subscribe` hears was changed by another instance is read at once.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._tick()
            until = loop.time() + self._timing.poll
            while (left := until - loop.time()) > 0:
                if names := await subscribe.names(left):
                    await self._tick(names)

    async def tick(self, names: Collection[str] | None = None) -> None:
        """Read all records once, or those with these names; begin what refreshes are due, without waiting for them."""
        managers = [manager for key, manager in self._managers.items() if names is None or ":".join(key) in names]
        for first in range(0, len(managers), BATCH):
            batch = managers[first : first + BATCH]
            try:
                records = await self._credential_store.read([manager.credential for manager in batch])
            except StoreUnavailable as exc:
                for manager in self._managers.values():
                    manager.lose_sight()
                if not self._away:
                    log.warning("token.store_away", reason=str(exc))
                self._away = True
                return
            for manager, record in zip(batch, records, strict=True):
                manager.take(record)
                manager.refresh_ahead(record, self._limit)
        if self._away:
            log.info("token.store_back")
        self._away = False

    async def _tick(self, names: Collection[str] | None = None) -> None:
        try:
            await self.tick(names)
        except Exception:
            # One bad record must not end the refreshing of all others.
            log.exception("token.poll_failed")

    async def drain(self) -> None:
        """Return when no fetch is under way any more."""
        await asyncio.gather(*(manager.drain() for manager in self._managers.values()))

    async def aclose(self, *, grace: float = 0.0) -> None:
        """Give what is under way `grace` seconds (a token may have been made that nobody else knows), then stop it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.drain()
        await asyncio.gather(*(manager.aclose() for manager in self._managers.values()))

    def _keeper_of(self, credential: Credential) -> CredentialManager:
        return CredentialManager(
            credential, self._credential_store, self._fetcher, self._inspector, self._timing, clock=self._clock
        )


class _Source:
    """Implements `wxbus.api.tokens.TokenSource` for one kind."""

    def __init__(self, authority: Authority, kind: str) -> None:
        self._authority = authority
        self._kind = kind

    async def get(self, appid: str) -> str:
        """Return a valid value."""
        return (await self._authority.manager(self._kind, appid).get()).value

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the value to use instead."""
        return (await self._authority.manager(self._kind, appid).report_invalid(token)).value
