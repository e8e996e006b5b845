"""The accounts we serve: WeChat's ids and secrets of each, read from one TOML file.

    [accounts.shop]
    appid = "wx0123456789abcdef"
    kind = "official_account"
    token_env = "SHOP_TOKEN"
    aes_key_file = "/run/secrets/shop_aes_key"
    secret_file = "/run/secrets/shop_secret"

Each of `token`, `aes_key` and `secret` may stand in the file itself, or be named by `..._env` (a variable) or
`..._file` (a file that holds nothing else); so may those of `previous_keys`. `wxbus.accounts.file` reads it again
when it changes.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from fnmatch import translate
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wxbus.config.account_tables import SECRETS, account_tables
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError, UnknownAccount
from wxbus.wechat.callbacks.keys import AesKey, CallbackKey, ConsoleSecret, Mode
from wxbus.wechat.replies.event_response import SYNCHRONOUS_EVENTS

APPID = r"^[A-Za-z0-9_-]{1,64}$"


class AccountKind(StrEnum):
    """What WeChat calls the account; decides which replies and formats it knows."""

    OFFICIAL_ACCOUNT = "official_account"
    MINI_PROGRAM = "mini_program"
    COMPONENT = "component"
    WECOM = "wecom"


REPLIES: Mapping[AccountKind, tuple[str, ...]] = {
    AccountKind.OFFICIAL_ACCOUNT: ("customer_service", "passive"),
    AccountKind.WECOM: ("customer_service", "passive"),
    AccountKind.MINI_PROGRAM: ("customer_service", "transfer"),
}
"""What each kind may have as `reply` (protocol reference 4.3); platforms: what their authorisers may."""


class Account(BaseModel):
    """One account of WeChat."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """Our name for it: the last part of the callback address `/wechat/{name}`."""
    appid: str = Field(pattern=APPID)
    """WeCom: the corpid or suiteid; of several applications of one corp, something of one's own, see `receive_id`."""
    kind: AccountKind
    token: ConsoleSecret | None = None
    """Token of the console, for signatures."""
    aes_key: AesKey | None = None
    """EncodingAESKey of the console: 43 letters and digits."""
    secret: ConsoleSecret | None = None
    """AppSecret; only the token service needs it."""
    classic_token: bool = False
    """Fetch access tokens by `/cgi-bin/token`, not by `stable_token` (protocol reference 8.1)."""
    modes: tuple[Mode, ...] = (Mode.SECURE,)
    """Encryption modes it accepts; anything else is refused (no downgrade)."""
    formats: tuple[Literal["xml", "json"], ...] = ("xml", "json")
    """Formats it accepts."""
    previous_keys: tuple[CallbackKey, ...] = ()
    """Token and AES key before the last change: still accepted, never used to answer with."""
    reply: Literal["customer_service", "passive", "transfer"] = "customer_service"
    """How handlers' replies reach the user; `passive`: as the answer to WeChat's push, if they are there in time.

    `transfer` is for Mini Programs: the answer may hand the user over to the human customer service, no more.
    """
    late: Literal["customer_service", "retry_window"] = "customer_service"
    """What becomes of a passive reply that is not there in time; `retry_window`: WeChat pushes again, and gets it."""
    synchronous: tuple[str, ...] = SYNCHRONOUS_EVENTS
    """Events whose handler answers WeChat itself; `*` stands for anything (protocol reference 4.4)."""
    receive_id: str | None = Field(default=None, max_length=64)
    """WeCom: what stands at the end of encrypted messages (corpid, suiteid, "" for a robot), if it is not the appid."""
    provider_corpid: str | None = Field(default=None, pattern=APPID)
    """WeCom suite: the corpid of its provider. The address then takes what WeCom encrypts for the suite, for the
    provider (its verification) and for each customer, whose corpid stands in the place of the appid."""
    component: str | None = None
    """Name of the third-party platform that the account has authorised: its keys are used, its tokens lead to ours."""
    authorizer_kind: Literal[AccountKind.OFFICIAL_ACCOUNT, AccountKind.MINI_PROGRAM] = AccountKind.OFFICIAL_ACCOUNT
    """Third-party platform: what its authorisers are that the file does not list."""
    cloud_hosting: bool = False
    """WeChat's cloud hosting sends to us: its probe is answered (protocol reference 1.7), though nobody signed it."""

    @model_validator(mode="before")
    @classmethod
    def _platforms_get_xml(cls, fields: Any) -> Any:
        # Third-party platforms are sent XML in secure mode only (protocol reference 1.1).
        if isinstance(fields, dict) and fields.get("kind") == AccountKind.COMPONENT:
            return {"formats": ("xml",), **fields}
        return fields

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Account":
        if self.token is not None and self.aes_key is None and set(self.modes) - {Mode.PLAIN}:
            raise ValueError(f"modes {', '.join(self.modes)} need an aes_key")
        if self.kind is AccountKind.COMPONENT and (self.modes, self.formats) != ((Mode.SECURE,), ("xml",)):
            raise ValueError("a third-party platform knows secure mode and XML only")
        speaker = self.authorizer_kind if self.kind is AccountKind.COMPONENT else self.kind
        if self.reply not in REPLIES[speaker]:
            raise ValueError(f"reply: for {speaker} there is {' and '.join(REPLIES[speaker])}, not {self.reply}")
        if self.late == "retry_window" and self.reply != "passive":
            raise ValueError('late = "retry_window" needs reply = "passive"')
        if self.receive_id is not None and self.kind is not AccountKind.WECOM:
            raise ValueError("receive_id is for WeCom only")
        if self.provider_corpid is not None and self.kind is not AccountKind.WECOM:
            raise ValueError("provider_corpid is for WeCom's suites only")
        if self.component is not None and (self.token or self.aes_key or self.secret):
            raise ValueError("with a component there is no token, aes_key or secret of its own")
        return self

    @property
    def keys(self) -> tuple[CallbackKey, ...]:
        """Return the pairs to try, the current one first; empty if the account takes no callbacks."""
        current = (CallbackKey(token=self.token, aes_key=self.aes_key),) if self.token else ()
        return current + self.previous_keys

    @property
    def sealed_for(self) -> str:
        """Return what stands at the end of encrypted messages: the receive id (protocol reference 2)."""
        return self.appid if self.receive_id is None else self.receive_id

    @cached_property
    def _synchronous_events(self) -> re.Pattern[str]:
        return re.compile("|".join(translate(name.lower()) for name in self.synchronous) or r"(?!)")

    def is_synchronous(self, event: str) -> bool:
        """Whether the handler of an event, named as WeChat wrote it, answers WeChat itself."""
        return self._synchronous_events.match(event.lower()) is not None

    def awaits(self, event: str, openid: str | None) -> bool:
        """Whether WeChat is kept waiting for what the handler of a push says.

        Args:
            event: Name of the event; "" for a user's message.
            openid: Of the user whom the push is about.
        """
        if event and self.is_synchronous(event):
            return True
        if openid is None or event.lower() == "unsubscribe":  # nobody would see a reply (protocol reference 7)
            return False
        return self.reply == "passive" or (self.reply == "transfer" and not event)

    def authorizer(self, appid: str) -> "Account":
        """Return the account `appid` that authorised this third-party platform, without being listed in the file."""
        return self.model_copy(
            update={
                "appid": appid,
                "kind": self.authorizer_kind,
                "component": self.name,
                **dict.fromkeys(SECRETS),
                "previous_keys": (),
            }
        )

    def customer(self, corpid: str) -> "Account":
        """Return the account of a corp that installed this suite of WeCom: its members are not another corp's."""
        return self.model_copy(update={"appid": corpid, "secret": None})


class Accounts:
    """All accounts, found by name or by appid."""

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
                raise ConfigurationError(
                    f"{account.name}: component: there is no account {account.component} of that kind"
                )

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def named(self, name: str) -> Account:
        """Return the account called `name`, or raise UnknownAccount."""
        if account := self._by_name.get(name):
            return account
        raise UnknownAccount("there is no account of this name")

    def of(self, appid: str, *, via: str = "") -> Account:
        """Return the account with this appid, or raise UnknownAccount.

        One that is not listed is an authoriser of the third-party platform `via`, or a customer of the suite of WeCom
        `via`, if there is one of this name.
        """
        if account := self._by_appid.get(appid):
            return account
        if platform := self._platform(via):
            return platform.authorizer(appid)
        if (suite := self._by_name.get(via)) and suite.provider_corpid is not None:
            return suite.customer(appid)
        raise UnknownAccount("there is no account with this appid")

    def owner_of(self, appid: str) -> Account:
        """Return the account with this appid, where nothing says which platform led to it: the only one then.

        Raises:
            UnknownAccount: It is not listed, and there is no third-party platform or suite, or more than one.
        """
        return self.of(appid, via=self._hosts[0].name if len(self._hosts) == 1 else "")

    def _platform(self, name: str) -> Account | None:
        return next((platform for platform in self._platforms if platform.name == name), None)

    def check_replies(self) -> None:
        """Return if the replies of every account that takes callbacks can reach its users.

        Raises:
            ConfigurationError: One's cannot; the text names the settings that work.
        """
        for account in self:
            works = (account.reply, account.late) == ("passive", "retry_window")
            if account.kind is AccountKind.WECOM and account.keys and not works:
                raise ConfigurationError(
                    f"{account.name}: reply: wxbus cannot send messages of WeCom applications yet; "
                    'set reply = "passive" and late = "retry_window": replies answer WeCom\'s pushes'
                )

    @classmethod
    def read(cls, path: Path) -> "Accounts":
        """Return the accounts of a TOML file.

        Raises:
            ConfigurationError: The file, an account or a secret's source is wrong; the text names it, never a value.
        """
        try:
            return cls({name: _account(name, table) for name, table in account_tables(path).items()})
        except ConfigurationError as exc:
            raise ConfigurationError(f"accounts file {path}: {exc}") from exc


def _account(name: str, table: Mapping[str, Any]) -> Account:
    try:
        if "name" in table:
            raise ConfigurationError(f"{name}: name: that of its table is its name")
        return Account.model_validate({"name": name, **table})
    except ValidationError as exc:
        raise ConfigurationError(f"{name}: {validation_messages(exc)}") from exc
