"""The accounts of one TOML file.

    [accounts.shop]
    appid = "wx0123456789abcdef"
    kind = "official_account"
    token_env = "SHOP_TOKEN"
    aes_key_file = "/run/secrets/shop_aes_key"
    secret_file = "/run/secrets/shop_secret"

Each of `token`, `aes_key` and `secret`, also in `previous_keys`, is a value, the name of a variable (`..._env`), or the
path of a file with only the value (`..._file`). `wxbus.accounts.file` reloads the file when it changes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wxbus.accounts.models import Account, AccountKind
from wxbus.config.account_tables import account_tables
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError, UnknownAccount


class Accounts:
    """All accounts, by name and by appid."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._by_name = dict(accounts)
        self._by_appid: dict[str, Account] = {}
        for account in accounts.values():
            if (other := self._by_appid.setdefault(account.appid, account)) is not account:
                raise ConfigurationError(f"{other.name} and {account.name} have the same appid")
        self._platforms = [account for account in accounts.values() if account.kind is AccountKind.COMPONENT]
        suites = [account for account in accounts.values() if account.provider_corpid is not None]
        self._hosts = [*self._platforms, *suites]
        for account in accounts.values():
            if account.component is not None and self._platform(account.component) is None:
                raise ConfigurationError(f"{account.name}: component: no account {account.component} of this kind")

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def named(self, name: str) -> Account:
        """Return the account `name`; raises UnknownAccount."""
        if account := self._by_name.get(name):
            return account
        raise UnknownAccount("there is no account of this name")

    def of(self, appid: str, *, via: str = "") -> Account:
        """Return the account with this appid; raises UnknownAccount.

        An appid that is not in the file belongs to an authorizer of the third-party platform `via`, or to a customer of
        the WeCom suite `via`, if such an account exists.
        """
        if account := self._by_appid.get(appid):
            return account
        if platform := self._platform(via):
            return platform.authorizer(appid)
        if (suite := self._by_name.get(via)) and suite.provider_corpid is not None:
            return suite.customer(appid)
        raise UnknownAccount("there is no account with this appid")

    def owner_of(self, appid: str) -> Account:
        """Return the account with this appid if its platform or suite is unknown.

        Raises:
            UnknownAccount: The appid is not in the file, and the file does not have exactly one platform or suite.
        """
        return self.of(appid, via=self._hosts[0].name if len(self._hosts) == 1 else "")

    def _platform(self, name: str) -> Account | None:
        return next((platform for platform in self._platforms if platform.name == name), None)

    def check_replies(self) -> None:
        """Check that the replies of every account with callbacks can reach its users.

        Raises:
            ConfigurationError: An account is misconfigured; the text names the valid settings.
        """
        for account in self:
            if account.kind is not AccountKind.WECOM or not account.keys or account.is_robot:
                continue
            if account.can_message() or (account.reply, account.late_reply) == ("passive", "retry_window"):
                continue
            needed = (
                "wxbus has no tokens of the customers of a suite: "
                if account.provider_corpid
                else "messages to members need an agent_id, the AgentId of the application; without it "
            )
            raise ConfigurationError(f'{account.name}: {needed}set reply = "passive" and late_reply = "retry_window"')

    @classmethod
    def read(cls, path: Path) -> "Accounts":
        """Return the accounts of a TOML file.

        Raises:
            ConfigurationError: The file, an account or the source of a secret is invalid; the text contains no secret.
        """
        try:
            return cls({name: _account(name, table) for name, table in account_tables(path).items()})
        except ConfigurationError as exc:
            raise ConfigurationError(f"accounts file {path}: {exc}") from exc


def _account(name: str, table: Mapping[str, Any]) -> Account:
    try:
        if "name" in table:
            raise ConfigurationError(f"{name}: name: not allowed, the name of the table is used")
        return Account.model_validate({"name": name, **table})
    except ValidationError as exc:
        raise ConfigurationError(f"{name}: {validation_messages(exc)}") from exc
