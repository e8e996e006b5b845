"""The accounts file, reloaded when it changes: a new account or key needs no restart."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account
from wxbus.config.account_tables import secret_files
from wxbus.config.watched_file import POLL, WatchedFile
from wxbus.errors import ConfigurationError

AccountsCallback: TypeAlias = Callable[[Accounts], None]
"""Uses the new accounts; raises ConfigurationError if they are invalid, and keeps the previous ones."""


class AccountLookup(Protocol):
    """Finds accounts by appid: `Accounts` or `AccountsFile`."""

    def of(self, appid: str, *, via: str = "") -> Account:
        """See `Accounts.of`."""
        ...

    def owner_of(self, appid: str) -> Account:
        """See `Accounts.owner_of`."""
        ...


class AccountsFile(WatchedFile[Accounts]):
    """The last valid accounts of the file and of the secret files that it names."""

    def __init__(self, path: Path, *, registry: CollectorRegistry = REGISTRY, poll: float = POLL) -> None:
        """Read the file; raises ConfigurationError as `Accounts.read` does."""
        super().__init__(path, Accounts.read, name="accounts", referenced=secret_files, registry=registry, poll=poll)

    def require(self, check: AccountsCallback) -> None:
        """Check the accounts now and after each change.

        Raises:
            ConfigurationError: The current accounts are invalid.
        """
        try:
            check(self.current)
        except ConfigurationError as exc:
            raise ConfigurationError(f"accounts file {self.path}: {exc}") from exc
        self.on_change(check)

    def of(self, appid: str, *, via: str = "") -> Account:
        """See `Accounts.of`."""
        return self.current.of(appid, via=via)

    def owner_of(self, appid: str) -> Account:
        """See `Accounts.owner_of`."""
        return self.current.owner_of(appid)

    def validate(self, content: Accounts) -> None:
        """Reject an empty file after one with accounts; it is probably being written."""
        if len(self.current) and not len(content):
            raise ConfigurationError(f"accounts file {self.path}: it has no account")
