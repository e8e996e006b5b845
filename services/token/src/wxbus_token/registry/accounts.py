"""The accounts that tokens are kept for: those of the file, and those registered while the service runs.

The file always wins: what stands there cannot be registered, and what was registered before it stood there counts no
more. Ingress and workers read the file alone.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import structlog

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsFile
from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import RpcFailure, UnknownAccount
from wxbus.rpc.codec.serialization import validate
from wxbus_token.registry.models import RegisteredAccount
from wxbus_token.registry.register import Register

AccountSource: TypeAlias = Literal["file", "registered", "shadowed"]

log = structlog.get_logger("wxbus.token")


class AccountRegistry:
    """All accounts, and how registered ones change."""

    def __init__(
        self,
        file: AccountsFile,
        register: Register[RegisteredAccount],
        forget: Callable[[Account], Awaitable[None]],
    ) -> None:
        """`forget` deletes what Redis has of a removed account."""
        self._forget = forget
        self._file = file
        self._register = register
        self._takers: list[Callable[[Accounts], None]] = []
        self._shadowed: frozenset[str] = frozenset()
        self.current = file.current
        file.on_change(self._put_together)
        register.on_change(lambda: self._put_together(file.current))

    def on_change(self, taker: Callable[[Accounts], None]) -> None:
        """Let `taker` have the accounts, now and whenever they change."""
        self._takers.append(taker)
        taker(self.current)

    def listed(self) -> list[tuple[Account, AccountSource]]:
        """Return every account and where it is from: `file`, `registered`, or `shadowed` by the file."""
        filed = {account.appid for account in self._file.current}
        listed: list[tuple[Account, AccountSource]] = [
            (account, "file" if account.appid in filed else "registered") for account in self.current
        ]
        listed += [(self._register.entries[appid].account(), "shadowed") for appid in sorted(self._shadowed)]
        return listed

    async def add(self, **fields: object) -> None:
        """Register an account, by the fields of `RegisteredAccount`.

        Raises:
            RpcFailure: 409 if its appid or its name is taken, 422 for fields that do not fit one another and for
                third-party platforms, which ingress has to know as well.
            StoreUnavailable: Redis does not answer: it may or may not be registered.
        """
        if fields.get("kind") is AccountKind.COMPONENT:
            detail = "a third-party platform stands in the accounts file: ingress needs its Token and EncodingAESKey"
            raise RpcFailure(422, "Not at run time", detail=detail)
        await self._register.read()
        account = validate({**fields, "changed": self._register.moment()}, RegisteredAccount)
        for other in [*self._file.current, *self._register.entries.values()]:
            if account.appid == other.appid or account.name == other.name:
                where = "stands in the accounts file" if isinstance(other, Account) else "is registered"
                raise RpcFailure(409, "Taken", detail=f"{other.name} ({other.appid}) {where} already")

        def added(before: RegisteredAccount | None) -> RegisteredAccount:
            if before is not None:  # another instance was quicker
                raise RpcFailure(409, "Taken", detail=f"{before.name} ({before.appid}) is registered already")
            return account

        await self._register.change(account.appid, added)

    async def rotate(self, appid: str, secret: str) -> None:
        """Give a registered account another secret; it counts from the next fetch on.

        Raises:
            RpcFailure: 409 for an account of the file.
            UnknownAccount: It is not registered.
            StoreUnavailable: Redis does not answer: it may or may not be changed.
        """

        def rotated(before: RegisteredAccount | None) -> RegisteredAccount:
            return self._known(appid, before).model_copy(update={"secret": secret, "changed": self._register.moment()})

        await self._register.change(appid, rotated)

    async def remove(self, appid: str) -> None:
        """Forget a registered account, and delete its tokens; raises as `rotate`. To be repeated if it fails."""
        removed: list[Account] = []

        def gone(before: RegisteredAccount | None) -> None:
            removed.append(self._known(appid, before).account())

        await self._register.change(appid, gone)
        if not any(account.appid == appid for account in self._file.current):
            await self._forget(removed[-1])

    def _known(self, appid: str, registered: RegisteredAccount | None) -> RegisteredAccount:
        if registered is not None:  # also one that the file has by now: it may be removed
            return registered
        if any(account.appid == appid for account in self._file.current):
            raise RpcFailure(409, "In the accounts file", detail="this account stands in the file: change it there")
        raise UnknownAccount("there is no registered account with this appid")

    def _put_together(self, file: Accounts) -> None:
        accounts = {account.name: account for account in file}
        appids = {account.appid for account in file}
        shadowed = set()
        for appid, entry in sorted(self._register.entries.items()):
            if entry.name in accounts or appid in appids:
                shadowed.add(appid)
            else:
                accounts[entry.name] = entry.account()
        for appid in shadowed - self._shadowed:
            log.warning("token.account_shadowed", appid=appid, reason="its appid or name stands in the accounts file")
        self._shadowed = frozenset(shadowed)
        self.current = Accounts(accounts)
        for taker in self._takers:
            taker(self.current)
