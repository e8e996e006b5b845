"""Messages of the services for operators; those for other services are in `wxbus.tokens.messages`."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from wxbus.accounts.models import APPID, AccountKind
from wxbus.rpc.auth.keys import ScopeText
from wxbus.tokens.messages import TokenMessage
from wxbus_token.kinds import ACCESS_TOKEN
from wxbus_token.registry.models import NAME

DAY = 86_400.0
KEY_NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"


class EmptyRequest(TokenMessage):
    """A request without fields."""


class EmptyAnswer(TokenMessage):
    """The answer of a method that returns nothing."""


class AccountRequest(TokenMessage):
    """A request about one account."""

    appid: str = Field(pattern=APPID)
    """Appid of the account."""


class RotateSecretRequest(AccountRequest):
    """A new secret for an account."""

    secret: str = Field(pattern=r"^[!-~]{1,256}$", repr=False)
    """AppSecret from WeChat's console."""


class AddAccountRequest(RotateSecretRequest):
    """An account to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["receive_id"], "properties": {"receive_id": {"type": "string"}}},
            "then": {"properties": {"kind": {"const": AccountKind.WECOM}}},
        }
    )

    name: str = Field(pattern=NAME)
    """Our name for it."""
    kind: AccountKind = Field(json_schema_extra={"not": {"const": AccountKind.COMPONENT}})
    """Kind of the account; a third-party platform (`component`) belongs into the accounts file."""
    classic_token: bool = False
    """Fetch access tokens by `/cgi-bin/token`, not by `stable_token`."""
    receive_id: str | None = Field(default=None, max_length=64)
    """WeCom: the corpid, if the appid is an id of your own."""


class RefreshRequest(AccountRequest):
    """The credential to fetch."""

    kind: str = Field(default=ACCESS_TOKEN, pattern=r"^[a-z_]{1,40}$")
    """WeChat's name for the credential."""
    replace: bool = False
    """End the value in use, for example because it has leaked, if WeChat issues a new one on demand."""


class CredentialStatus(TokenMessage):
    """State of one credential, without its value."""

    kind: str
    appid: str
    state: str
    """valid; none: not fetched yet; rejected: WeChat rejects the value, and it is not replaced yet; or why the last
    fetch failed, for example request_limit, quota, wrong_secret, force_limit."""
    valid: bool
    """Whether there is a valid value, also while the next one cannot be fetched."""
    expires_in: float | None = None
    """Seconds until the value expires."""
    refresh_in: float | None = None
    """Seconds until the value is refreshed."""
    reason: str = ""
    """Text of the last failure."""
    errcode: int | None = None
    """WeChat's code of the last failure."""
    retry_in: float | None = None
    """Seconds until the next fetch."""
    failures: int = 0
    """Failures in a row."""
    requests_in_minute: int = 0
    """Requests to WeChat for all credentials of this account, in the current minute."""
    requests_in_day: int = 0
    """The same in the current day in China."""
    forced_in_day: int = 0
    """Forced refreshes in the last 24 hours; WeChat allows 20."""
    forced_wait: float = 0.0
    """Seconds until WeChat allows the next forced refresh."""
    false_reports: int = 0
    """Reports of the value in use although WeChat accepts it."""


class StatusList(TokenMessage):
    """States of credentials."""

    store: bool
    """Whether Redis answers; if not, these are the states in the memory of one instance."""
    credentials: list[CredentialStatus]
    notes: list[str] = Field(default_factory=list)
    """Recent data losses of Redis or RabbitMQ."""


class AccountInfo(TokenMessage):
    """An account, without its secret."""

    name: str
    appid: str
    kind: AccountKind
    source: Literal["file", "registered", "shadowed"]
    """In the accounts file, registered at run time, or registered but shadowed by the file."""
    has_secret: bool
    """Whether the account has a secret; without one it has no tokens."""


class AccountList(TokenMessage):
    """All accounts."""

    accounts: list[AccountInfo]


class KeyRequest(TokenMessage):
    """A request about the keys of one caller."""

    name: str = Field(pattern=KEY_NAME)
    """Name of the caller."""


class AddKeyRequest(KeyRequest):
    """A key to register."""

    scopes: list[ScopeText] = Field(min_length=1, max_length=64)
    """Scopes of the key, like token:get:APPID; the caller of this method must have them."""
    lifetime: float | None = Field(default=None, gt=0, le=3660 * DAY)
    """Seconds until the key expires; it does not expire if this is left out."""
    subject: str | None = Field(default=None, min_length=1, max_length=256)
    """Subject of a client certificate (RFC 4514), in place of a key."""


class RotateKeyRequest(KeyRequest):
    """A key to rotate."""

    overlap: float = Field(default=DAY, ge=0, le=366 * DAY)
    """Seconds for which the previous keys stay valid."""


class RevokeKeyRequest(KeyRequest):
    """Keys to revoke."""

    key: str | None = Field(default=None, min_length=1, max_length=256)
    """Prefix or subject of one key; all keys of this name if it is left out."""


class KeyInfo(TokenMessage):
    """A key without its secret part."""

    name: str
    key: str
    """Prefix of the key, or subject of the certificate."""
    scopes: list[str]
    source: Literal["file", "registered"]
    created: AwareDatetime | None = None
    expires: AwareDatetime | None = None
    last_used: AwareDatetime | None = None
    """To about a second."""


class CreatedKey(KeyInfo):
    """A new key."""

    api_key: str | None = Field(default=None, repr=False)
    """The key, which is shown only once; none for a certificate."""


class KeyList(TokenMessage):
    """All keys."""

    keys: list[KeyInfo]


class RevokedKeys(TokenMessage):
    """Keys that were revoked."""

    keys: list[str]
    """Their prefixes and subjects."""
