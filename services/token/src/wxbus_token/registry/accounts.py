"""The accounts whose credentials are managed: those of the accounts file, and those registered at run time.

The file has precedence: an account that is in the file cannot be registered, and a registered account that is added to
the file later is shadowed. Ingress and workers know only the file.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import structlog

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsFile
from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import RpcFailure, UnknownAccount
from wxbus.rpc.codec.serialization import validate
from wxbus_token.registry.entries import EntryStore
from wxbus_token.registry.models import RegisteredAccount

AccountSource: TypeAlias = Literal["file", "registered", "shadowed"]

log = structlog.get_logger("wxbus.token")


class AccountRegistry:
    """All accounts; adds, changes and removes the registered ones."""

    def __init__(
        self,
        file: AccountsFile,
        entries: EntryStore[RegisteredAccount],
        delete_credentials: Callable[[Account], Awaitable[None]],
    ) -> None:
        """`delete_credentials` deletes the records of a removed account from Redis."""
        self._delete_credentials = delete_credentials
        self._file = file
        self._entries = entries
        self._listeners: list[Callable[[Accounts], None]] = []
        self._shadowed: frozenset[str] = frozenset()
        self.current = file.current
        file.on_change(self._merge)
        entries.on_change(lambda: self._merge(file.current))

    def on_change(self, listener: Callable[[Accounts], None]) -> None:
        """Call `listener` with the accounts, now and after each change."""
        self._listeners.append(listener)
        listener(self.current)

    def listed(self) -> list[tuple[Account, AccountSource]]:
        """Return every account and its source: `file`, `registered`, or `shadowed` by the file."""
        in_file = {account.appid for account in self._file.current}
        listed: list[tuple[Account, AccountSource]] = [
            (account, "file" if account.appid in in_file else "registered") for account in self.current
        ]
        listed += [(self._entries.entries[appid].account(), "shadowed") for appid in sorted(self._shadowed)]
        return listed

    async def add(self, **fields: object) -> None:
        """Register an account, by the fields of `RegisteredAccount`.

        Raises:
            RpcFailure: 409 if its appid or its name is taken; 422 for fields that do not fit one another, and for
                third-party platforms, because ingress must know them too.
            StoreUnavailable: Redis does not answer: the account may or may not be registered.
        """
        if fields.get("kind") is AccountKind.COMPONENT:
            detail = "add a third-party platform to the accounts file: ingress needs its Token and EncodingAESKey"
            raise RpcFailure(422, "Not supported at run time", detail=detail)
        await self._entries.read()
        account = validate({**fields, "changed": self._entries.moment()}, RegisteredAccount)
        for other in [*self._file.current, *self._entries.entries.values()]:
            if account.appid == other.appid or account.name == other.name:
                where = "in the accounts file" if isinstance(other, Account) else "registered"
                raise RpcFailure(409, "Already registered", detail=f"{other.name} ({other.appid}) is {where}")

        def added(before: RegisteredAccount | None) -> RegisteredAccount:
            if before is not None:  # another instance was quicker
                raise RpcFailure(409, "Already registered", detail=f"{before.name} ({before.appid}) is registered")
            return account

        await self._entries.change(account.appid, added)

    async def rotate(self, appid: str, secret: str) -> None:
        """Give a registered account another secret, which the next fetch uses.

        Raises:
            RpcFailure: 409 for an account of the file.
            UnknownAccount: The account is not registered.
            StoreUnavailable: Redis does not answer: the secret may or may not be changed.
        """

        def rotated(before: RegisteredAccount | None) -> RegisteredAccount:
            account = self._registered(appid, before)
            return account.model_copy(update={"secret": secret, "changed": self._entries.moment()})

        await self._entries.change(appid, rotated)

    async def remove(self, appid: str) -> None:
        """Remove a registered account and its credentials; raises as `rotate`. Repeat it if it fails."""
        removed: list[Account] = []

        def without(before: RegisteredAccount | None) -> None:
            removed.append(self._registered(appid, before).account())

        await self._entries.change(appid, without)
        if not any(account.appid == appid for account in self._file.current):
            await self._delete_credentials(removed[-1])

    def _registered(self, appid: str, entry: RegisteredAccount | None) -> RegisteredAccount:
        if entry is not None:  # including a shadowed entry, which may be removed
            return entry
        if any(account.appid == appid for account in self._file.current):
            raise RpcFailure(409, "In the accounts file", detail="change this account in the accounts file")
        raise UnknownAccount("there is no registered account with this appid")

    def _merge(self, file: Accounts) -> None:
        accounts = {account.name: account for account in file}
        appids = {account.appid for account in file}
        shadowed = set()
        for appid, entry in sorted(self._entries.entries.items()):
            if entry.name in accounts or appid in appids:
                shadowed.add(appid)
            else:
                accounts[entry.name] = entry.account()
        for appid in shadowed - self._shadowed:
            log.warning("token.account_shadowed", appid=appid, reason="its appid or name is in the accounts file")
        self._shadowed = frozenset(shadowed)
        self.current = Accounts(accounts)
        for listener in self._listeners:
            listener(self.current)
