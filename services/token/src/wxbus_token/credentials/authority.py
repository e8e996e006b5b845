"""The managers of all credentials."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from wxbus.errors import TokenUnavailable, UnknownAccount
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.kinds import Credential

MAX_NAMED: Final = 10
"""Maximum number of credentials that one error lists."""


class Authority:
    """Finds the manager of each credential; makes those of `on_demand` credentials when they are first used."""

    def __init__(
        self, credential_store: CredentialStore, new_manager: Callable[[Credential], CredentialManager]
    ) -> None:
        self._credential_store = credential_store
        self._new_manager = new_manager
        self._managers: dict[str, CredentialManager] = {}
        self._on_demand: dict[str, Credential] = {}
        """Credentials that get a manager at their first use."""
        self._added: set[str] = set()
        """Credentials of `add_on_demand`: `configure` keeps them."""

    def configure(self, credentials: Iterable[Credential]) -> None:
        """Manage these credentials from now on; a manager whose credential's secret has changed keeps its value."""
        before = self._managers
        self._managers = {name: manager for name, manager in before.items() if name in self._added}
        self._on_demand = {name: credential for name, credential in self._on_demand.items() if name in self._added}
        for credential in credentials:
            self._added.discard(credential.name)
            manager = before.get(credential.name)
            if credential.on_demand:
                self._on_demand[credential.name] = credential
            elif manager is None:
                manager = self._new_manager(credential)
            if manager is not None:
                manager.credential = credential
                self._managers[credential.name] = manager

    def add_on_demand(self, credentials: Iterable[Credential]) -> None:
        """Manage these credentials too, from their first use on: they belong to accounts that no file lists."""
        for credential in credentials:
            if credential.name not in self._on_demand:
                self._on_demand[credential.name] = credential
                self._added.add(credential.name)

    def find(self, kind: str, appid: str) -> CredentialManager | None:
        """Return the manager of an account's credential, None if there is no such credential."""
        name = f"{kind}:{appid}"
        manager = self._managers.get(name)
        if manager is None and (credential := self._on_demand.get(name)):
            manager = self._managers[name] = self._new_manager(credential)
        return manager

    def manager(self, kind: str, appid: str) -> CredentialManager:
        """Return the manager of an account's credential, or raise UnknownAccount."""
        if manager := self.find(kind, appid):
            return manager
        raise UnknownAccount(f"there is no account with this appid and a secret for its {kind}")

    def managers(self, appid: str | None = None) -> list[CredentialManager]:
        """Return the managers of an account, or all managers, in no order."""
        managers = list(self._managers.values())
        return managers if appid is None else [each for each in managers if each.credential.appid == appid]

    async def check(self) -> None:
        """Return if `get` can return a value now, from memory or from Redis; raises StoreUnavailable.

        Redis is not asked while anything can be served without it: an instance that serves from memory must not be
        taken out of service together with all others. A refusal of WeChat does not count: all instances have it.
        """
        if not any(manager.serves_without_store() for manager in self._managers.values()):
            await self._credential_store.check()

    async def check_values(self) -> None:
        """Return if every credential has a value in memory; raises TokenUnavailable that names the others."""
        missing = [name for name, manager in sorted(self._managers.items()) if manager.remaining() is None]
        if missing:
            more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
            raise TokenUnavailable(f"no value in memory: {', '.join(missing[:MAX_NAMED])}{more}")

    async def drain(self) -> None:
        """Return when no fetch is under way."""
        await asyncio.gather(*(manager.drain() for manager in self._managers.values()))

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await asyncio.gather(*(manager.aclose() for manager in self._managers.values()))
