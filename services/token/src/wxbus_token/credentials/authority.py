"""The managers of all credentials."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from wxbus.errors import TokenUnavailable, UnknownAccount
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.store import CredentialStore
from wxbus_token.kinds import Credential

NAMED: Final = 10
"""Credentials that one error lists at most."""

Key: TypeAlias = tuple[str, str]
"""Kind and appid."""


class Authority:
    """Finds the manager of each credential; makes those of `on_demand` credentials when they are first used."""

    def __init__(
        self, credential_store: CredentialStore, new_manager: Callable[[Credential], CredentialManager]
    ) -> None:
        self._credential_store = credential_store
        self._new_manager = new_manager
        self._managers: dict[Key, CredentialManager] = {}
        self._on_demand: dict[Key, Credential] = {}
        """Credentials that get a manager at their first use."""
        self._added: set[Key] = set()
        """Credentials of `add_on_demand`: `configure` keeps them."""

    def configure(self, credentials: Iterable[Credential]) -> None:
        """Manage these credentials from now on; a manager whose credential's secret has changed keeps its value."""
        before = self._managers
        self._managers = {key: manager for key, manager in before.items() if key in self._added}
        self._on_demand = {key: credential for key, credential in self._on_demand.items() if key in self._added}
        for credential in credentials:
            key = (credential.kind, credential.appid)
            self._added.discard(key)
            manager = before.get(key)
            if credential.on_demand:
                self._on_demand[key] = credential
            elif manager is None:
                manager = self._new_manager(credential)
            if manager is not None:
                manager.credential = credential
                self._managers[key] = manager

    def add_on_demand(self, credentials: Iterable[Credential]) -> None:
        """Manage these credentials too, from their first use on: they belong to accounts that no file lists."""
        for credential in credentials:
            key = (credential.kind, credential.appid)
            if key not in self._on_demand:
                self._on_demand[key] = credential
                self._added.add(key)

    def find(self, kind: str, appid: str) -> CredentialManager | None:
        """Return the manager of an account's credential, None if there is no such credential."""
        key = (kind, appid)
        manager = self._managers.get(key)
        if manager is None and (credential := self._on_demand.get(key)):
            manager = self._managers[key] = self._new_manager(credential)
        return manager

    def manager(self, kind: str, appid: str) -> CredentialManager:
        """Return the manager of an account's credential, or raise UnknownAccount."""
        if manager := self.find(kind, appid):
            return manager
        raise UnknownAccount(f"there is no account with this appid and a secret for its {kind}")

    def managers(self, appid: str | None = None) -> list[CredentialManager]:
        """Return the managers of an account, or all managers."""
        return [manager for (_, owner), manager in sorted(self._managers.items()) if appid in (None, owner)]

    async def check(self) -> None:
        """Return if `get` can return a value now, from memory or from Redis; raises StoreUnavailable.

        Redis is not asked while anything can be served without it: an instance that serves from memory must not be
        taken out of service together with all others. A refusal of WeChat does not count: all instances have it.
        """
        if not any(manager.serves_without_store() for manager in self._managers.values()):
            await self._credential_store.check()

    async def check_values(self) -> None:
        """Return if every credential has a value in memory; raises TokenUnavailable that names the others."""
        missing = [":".join(key) for key, manager in sorted(self._managers.items()) if manager.remaining() is None]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise TokenUnavailable(f"no value in memory: {', '.join(missing[:NAMED])}{more}")

    async def drain(self) -> None:
        """Return when no fetch is under way."""
        await asyncio.gather(*(manager.drain() for manager in self._managers.values()))

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await asyncio.gather(*(manager.aclose() for manager in self._managers.values()))
