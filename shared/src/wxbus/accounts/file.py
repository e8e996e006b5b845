"""The accounts file, read again when it changes: no service must be restarted for a new account or key."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.models import Account, Accounts
from wxbus.config.account_tables import secret_files
from wxbus.config.watched_file import POLL, WatchedFile
from wxbus.errors import ConfigurationError

AccountsCallback: TypeAlias = Callable[[Accounts], None]
"""Goes on with other accounts; raises ConfigurationError if it cannot use them, and goes on with those it has."""


class KnownAccounts(Protocol):
    """Accounts by appid: `Accounts`, or those of a file as it last was."""

    def of(self, appid: str, *, via: str = "") -> Account:
        """See `Accounts.of`."""
        ...

    def owner_of(self, appid: str) -> Account:
        """See `Accounts.owner_of`."""
        ...


class AccountsFile(WatchedFile[Accounts]):
    """The accounts as the file, and the files of secrets that it names, last said when they could be read."""

    def __init__(self, path: Path, *, registry: CollectorRegistry = REGISTRY, poll: float = POLL) -> None:
        """Read the file; raises ConfigurationError as `Accounts.read` does."""
        super().__init__(path, Accounts.read, name="accounts", referenced=secret_files, registry=registry, poll=poll)

    def require(self, check: AccountsCallback) -> None:
        """Check the accounts now and at every change.

        Raises:
            ConfigurationError: They do not pass now.
        """
        try:
            check(self.current)
        except ConfigurationError as exc:
            raise ConfigurationError(f"accounts file {self.path}: {exc}") from exc
        self.on_change(check)

    def of(self, appid: str, *, via: str = "") -> Account:
        """Return an account by its appid, see `Accounts.of`."""
        return self.current.of(appid, via=via)

    def owner_of(self, appid: str) -> Account:
        """Return an account by its appid alone, see `Accounts.owner_of`."""
        return self.current.owner_of(appid)

    def validate(self, content: Accounts) -> None:
        """Refuse a file without accounts after one with accounts: probably it is being written."""
        if len(self.current) and not len(content):
            raise ConfigurationError(f"accounts file {self.path}: it has no account")
