"""Messages of the services for operators; those of tokens are in `wxbus.tokens.client`."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from wxbus.accounts.models import APPID, AccountKind
from wxbus.rpc.auth.keys import ScopeText
from wxbus.tokens.messages import TokenMessage
from wxbus_token.kinds import ACCESS_TOKEN
from wxbus_token.registry.models import NAME

DAY = 86_400.0
KEY_NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"


class Everything(TokenMessage):
    """Asks for all there is."""


class Done(TokenMessage):
    """It is done."""


class AccountRequest(TokenMessage):
    """Which account is meant."""

    appid: str = Field(pattern=APPID)
    """Of the account."""


class NewSecret(AccountRequest):
    """Another secret of an account."""

    secret: str = Field(pattern=r"^[!-~]{1,256}$", repr=False)
    """AppSecret as WeChat's console shows it once."""


class NewAccount(NewSecret):
    """An account to keep tokens for."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["receive_id"], "properties": {"receive_id": {"type": "string"}}},
            "then": {"properties": {"kind": {"const": AccountKind.WECOM}}},
        }
    )

    name: str = Field(pattern=NAME)
    """Our name for it."""
    kind: AccountKind = Field(json_schema_extra={"not": {"const": AccountKind.COMPONENT}})
    """What WeChat calls it; a third-party platform (`component`) stands in the accounts file."""
    classic_token: bool = False
    """Fetch access tokens by `/cgi-bin/token`, not by `stable_token`."""
    receive_id: str | None = Field(default=None, max_length=64)
    """WeCom: the corpid, if the appid is something of one's own."""


class OneCredential(AccountRequest):
    """Which credential is meant."""

    kind: str = Field(default=ACCESS_TOKEN, pattern=r"^[a-z_]{1,40}$")
    """WeChat's name for it."""


class Refresh(OneCredential):
    """Which credential is to be fetched."""

    replace: bool = False
    """End the value in use, if WeChat makes a new one on demand: it may have leaked."""


class CredentialStatus(TokenMessage):
    """How one credential is, without its value."""

    kind: str
    appid: str
    state: str
    """valid; none: nobody asked yet; dead: WeChat refuses it and it is not replaced yet; or why WeChat gives none, like
    guard, quota, wrong_secret, force_limit."""
    valid: bool
    """Whether there is a value to give, also while the next one cannot be had."""
    expires_in: float | None = None
    """Seconds until WeChat stops accepting it."""
    refresh_in: float | None = None
    """Seconds until it is replaced."""
    reason: str = ""
    """Of the last failure."""
    errcode: int | None = None
    """WeChat's."""
    retry_in: float | None = None
    """Seconds until WeChat is asked again."""
    failures: int = 0
    """In a row."""
    asked_in_minute: int = 0
    """Requests to WeChat for this account's credentials, of all kinds."""
    asked_in_day: int = 0
    """The same in a day of China."""
    forced_in_day: int = 0
    """Forced refreshes in the last 24 hours; WeChat allows 20."""
    forced_wait: float = 0.0
    """Seconds until WeChat allows the next forced refresh."""
    false_reports: int = 0
    """Reports of the value in use that WeChat contradicted."""


class StatusList(TokenMessage):
    """How credentials are."""

    store: bool
    """Whether Redis answers; if not, this is what one instance has in memory."""
    credentials: list[CredentialStatus]
    notes: list[str] = Field(default_factory=list)
    """What else an operator must know: that Redis or RabbitMQ lost its data in the last days."""


class ListedAccount(TokenMessage):
    """An account, without its secret."""

    name: str
    appid: str
    kind: AccountKind
    source: Literal["file", "registered", "shadowed"]
    """The accounts file, run time, or run time but overruled by the file."""
    has_secret: bool
    """Without one there are no tokens."""


class AccountList(TokenMessage):
    """All accounts."""

    accounts: list[ListedAccount]


class KeyName(TokenMessage):
    """Whose key is meant."""

    name: str = Field(pattern=KEY_NAME)
    """Whose key it is."""


class NewKey(KeyName):
    """A key to make."""

    scopes: list[ScopeText] = Field(min_length=1, max_length=64)
    """What it may do, like token:get:APPID; nothing that the caller may not."""
    life: float | None = Field(default=None, gt=0, le=3660 * DAY)
    """Seconds until it ends; it does not by itself if this is left out."""
    subject: str | None = Field(default=None, min_length=1, max_length=256)
    """Of a client certificate (RFC 4514), in place of a key."""


class Rotation(KeyName):
    """A key to be changed for another one."""

    overlap: float = Field(default=DAY, ge=0, le=366 * DAY)
    """Seconds that the keys before are still good."""


class Revocation(KeyName):
    """Keys to be made worthless."""

    key: str | None = Field(default=None, min_length=1, max_length=256)
    """Prefix or subject of one of them; all of this name if it is left out."""


class ListedKey(TokenMessage):
    """A key, by what everybody may see of it."""

    name: str
    key: str
    """Its prefix, or the subject of a certificate."""
    scopes: list[str]
    source: Literal["file", "registered"]
    created: AwareDatetime | None = None
    expires: AwareDatetime | None = None
    last_used: AwareDatetime | None = None
    """To about a second."""


class MadeKey(ListedKey):
    """A new key."""

    api_key: str | None = Field(default=None, repr=False)
    """The key itself, told this once; none for a certificate."""


class KeyList(TokenMessage):
    """All keys."""

    keys: list[ListedKey]


class Revoked(TokenMessage):
    """Keys that are worthless now."""

    keys: list[str]
    """Prefixes and subjects."""
