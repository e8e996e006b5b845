"""API keys: who may call what. Kept are a key's public prefix and the hash of the whole, never the key.

    [[keys]]
    name = "worker"
    prefix = "wxb_3f9c01d2aa47"
    sha256 = "..."
    scopes = ["token:get:*", "token:report_invalid:*"]

A key is changed with overlap: add a second entry with the same name, move the callers over, remove the first.
"""

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from wxbus.errors import ConfigurationError
from wxbus.rpc.call import Principal
from wxbus.rpc.scopes import Scope

PREFIX_BYTES: Final = 6
SECRET_BYTES: Final = 32
"""So much chance needs no slow hash: SHA-256 of it cannot be guessed."""
PRESENTED: Final = re.compile(r"(wxb_[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
NOBODY: Final = "0" * 64


class Authenticator(Protocol):
    """Knows who presents which credentials."""

    async def __call__(self, credentials: str) -> Principal | None:
        """Return who it is, or None if the credentials are not good."""


def _is_scope(text: str) -> str:
    Scope.parse(text)
    return text


class KeyEntry(BaseModel):
    """A key as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    """Whose key it is, for the audit log."""
    prefix: str = Field(pattern=r"^wxb_[0-9a-f]{12}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: tuple[Annotated[str, AfterValidator(_is_scope)], ...] = Field(min_length=1)

    def as_toml(self) -> str:
        """Return the entry as it stands in the file; no value of it needs escaping."""
        scopes = ", ".join(f'"{scope}"' for scope in self.scopes)
        return (
            f'[[keys]]\nname = "{self.name}"\nprefix = "{self.prefix}"\nsha256 = "{self.sha256}"\nscopes = [{scopes}]'
        )


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """All keys, found by prefix (implements Authenticator)."""

    _by_prefix: dict[str, tuple[str, Principal]]

    @classmethod
    def of(cls, entries: Iterable[KeyEntry]) -> "ApiKeys":
        """Return the keys, or raise ConfigurationError if two have one prefix."""
        by_prefix: dict[str, tuple[str, Principal]] = {}
        for entry in entries:
            if entry.prefix in by_prefix:
                raise ConfigurationError(f"two API keys have the prefix {entry.prefix}")
            scopes = tuple(map(Scope.parse, entry.scopes))
            by_prefix[entry.prefix] = (entry.sha256, Principal(entry.name, scopes))
        return cls(by_prefix)

    @classmethod
    def read(cls, path: Path) -> "ApiKeys":
        """Return the keys of a TOML file.

        Raises:
            ConfigurationError: The file or an entry is wrong; the text names it.
        """
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("keys", [])
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            raise ConfigurationError(f"API keys file {path}: {exc}") from exc
        if not isinstance(entries, list):
            raise ConfigurationError(f"API keys file {path}: keys must be tables, [[keys]]")
        try:
            return cls.of([KeyEntry.model_validate(entry) for entry in entries])
        except ValidationError as exc:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'key'}: {e['msg']}" for e in exc.errors())
            raise ConfigurationError(f"API keys file {path}: {problems}") from exc
        except ConfigurationError as exc:
            raise ConfigurationError(f"API keys file {path}: {exc}") from exc

    async def __call__(self, credentials: str) -> Principal | None:
        """Return whose key it is; as much work is done for a wrong key as for a right one."""
        match = PRESENTED.fullmatch(credentials)
        expected, principal = self._by_prefix.get(match[1] if match else "", (NOBODY, None))
        return principal if hmac.compare_digest(_digest(credentials), expected) else None

    def __len__(self) -> int:
        return len(self._by_prefix)


def new_key(name: str, scopes: Sequence[str]) -> tuple[str, KeyEntry]:
    """Return a new key, to be shown once, and the entry to keep.

    Raises:
        ConfigurationError: The name or a scope is wrong.
    """
    prefix = f"wxb_{secrets.token_hex(PREFIX_BYTES)}"
    key = f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    try:
        return key, KeyEntry(name=name, prefix=prefix, sha256=_digest(key), scopes=tuple(scopes))
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
        raise ConfigurationError(problems) from exc


def presented(authorization: object) -> str | None:
    """Return the key that an `Authorization` header presents, on either transport; None if it presents none."""
    scheme, _, credentials = (authorization if isinstance(authorization, str) else "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
