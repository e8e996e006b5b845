"""API keys of callers, and their scopes. The file has a key's public prefix and hash, never the key.

    [[keys]]
    name = "worker"
    prefix = "wxb_3f9c01d2aa47"
    sha256 = "..."
    scopes = ["token:get:*", "token:report_invalid:*"]

To rotate a key, add a second entry with the same name, change the callers and remove the first entry, or let it expire:
`expires = 2026-12-01T00:00:00Z`. In place of `prefix` and `sha256` an entry may have the `subject` of a client
certificate (RFC 4514): `subject = "CN=worker,O=shop"`.
"""

import hashlib
import hmac
import json
import math
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Protocol, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from wxbus.config.toml import read_toml
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.auth.scopes import PATTERN, Scope

PREFIX_BYTES: Final = 6
SECRET_BYTES: Final = 32
"""Enough entropy for SHA-256: the key cannot be guessed from its hash."""
KEY_FORMAT: Final = re.compile(r"(wxb_[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
NO_KEY_HASH: Final = "0" * 64
"""Compared in place of a missing hash."""


class Authenticator(Protocol):
    """Identifies callers by their credentials."""

    def __call__(self, credentials: str) -> Principal | None:
        """Return the principal of an API key, None if it is invalid."""

    def by_certificate(self, subject: str) -> Principal | None:
        """Return the principal of a verified certificate with this subject, None if it is unknown."""


def _is_scope(text: str) -> str:
    Scope.parse(text)
    return text


ScopeText: TypeAlias = Annotated[str, AfterValidator(_is_scope), Field(json_schema_extra={"pattern": PATTERN})]
"""A scope as text."""


class KeyEntry(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    """Name of the caller, for the audit log."""
    prefix: str | None = Field(default=None, pattern=r"^wxb_[0-9a-f]{12}$")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    subject: str | None = Field(default=None, min_length=1, max_length=256)
    """Subject of a client certificate, in place of a key."""
    scopes: tuple[ScopeText, ...] = Field(min_length=1)
    expires: AwareDatetime | None = None
    """When the key becomes invalid."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> "KeyEntry":
        if (self.prefix is None) != (self.sha256 is None) or (self.prefix is None) == (self.subject is None):
            raise ValueError("must have a prefix and a sha256, or a subject")
        return self

    @property
    def key(self) -> str:
        """Return its prefix or subject."""
        return self.prefix or self.subject or ""

    def as_toml(self) -> str:
        """Return the entry as TOML."""
        fields = self.model_dump(mode="json", exclude_none=True) | {"expires": None}
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value]
        if self.expires is not None:
            lines.append(f"expires = {self.expires.isoformat()}")
        return "\n".join(["[[keys]]", *lines])


ENTRIES: Final = TypeAdapter(list[KeyEntry])


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    sha256: str | None
    """None for a certificate."""
    expires: float


class ApiKeys:
    """All keys by prefix or subject (implements Authenticator); created by `of` or `read`."""

    def __init__(self, known: Mapping[str, _Known], clock: Callable[[], float]) -> None:
        self._known = known
        self._clock = clock

    @classmethod
    def of(cls, entries: Iterable[KeyEntry], *, clock: Callable[[], float] = time.time) -> "ApiKeys":
        """Return the keys; raises ConfigurationError if two have the same prefix or subject.

        `clock` returns seconds since the epoch, for the expiry.
        """
        known: dict[str, _Known] = {}
        for entry in entries:
            if entry.key in known:
                raise ConfigurationError(f"two API keys have the prefix or subject {entry.key}")
            principal = Principal(entry.name, tuple(map(Scope.parse, entry.scopes)), entry.key)
            expires = entry.expires.timestamp() if entry.expires else math.inf
            known[entry.key] = _Known(principal, entry.sha256, expires)
        return cls(known, clock)

    @classmethod
    def read(cls, path: Path) -> "ApiKeys":
        """Return the keys of a TOML file; raises ConfigurationError as `read_entries`."""
        return cls.of(read_entries(path))

    def __call__(self, credentials: str) -> Principal | None:
        """Return the principal of the key, None if it is invalid, in the same time."""
        match = KEY_FORMAT.fullmatch(credentials)
        known = self._known.get(match[1]) if match else None
        valid = hmac.compare_digest(_digest(credentials), (known and known.sha256) or NO_KEY_HASH)
        return self._current(known) if valid else None

    def by_certificate(self, subject: str) -> Principal | None:
        """Return the principal of a certificate with this subject."""
        known = self._known.get(subject)
        return self._current(known) if known and known.sha256 is None else None

    def __len__(self) -> int:
        return len(self._known)

    def _current(self, known: _Known | None) -> Principal | None:
        return known.principal if known and (known.expires == math.inf or self._clock() < known.expires) else None


def read_entries(path: Path) -> Sequence[KeyEntry]:
    """Return the entries of a TOML file.

    Raises:
        ConfigurationError: The file or an entry is invalid, or two entries are the same; the text names it.
    """
    try:
        tables = read_toml(path, "keys", like="[[keys]]")
        entries = ENTRIES.validate_python([] if tables is None else tables)
        ApiKeys.of(entries)
    except ValidationError as exc:
        raise ConfigurationError(f"API keys file {path}: {validation_messages(exc)}") from exc
    except ConfigurationError as exc:
        raise ConfigurationError(f"API keys file {path}: {exc}") from exc
    return entries


def new_key(name: str, scopes: Sequence[str], *, expires: datetime | None = None) -> tuple[str, KeyEntry]:
    """Return a new key, to be shown once, and its entry.

    Raises:
        ConfigurationError: The name or a scope is invalid.
    """
    prefix = f"wxb_{secrets.token_hex(PREFIX_BYTES)}"
    key = f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    try:
        return key, KeyEntry(name=name, prefix=prefix, sha256=_digest(key), scopes=tuple(scopes), expires=expires)
    except ValidationError as exc:
        raise ConfigurationError(validation_messages(exc)) from exc


def bearer_credentials(authorization: object) -> str | None:
    """Return the API key of an `Authorization` header of either transport; None without one."""
    scheme, _, credentials = (authorization if isinstance(authorization, str) else "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
