"""Keys of a local stack, created once in files that only this user may read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import new_encryption_key

SCOPES: Final = {
    "worker": (
        "token:get:*",
        "token:report_invalid:*",
        "token:jsapi_ticket:*",
        "token:wx_card_ticket:*",
        "token:agent_ticket:*",
        "component:*:*",
    ),
    "gateway": ("login:exchange:*", "token:get:*", "token:report_invalid:*"),
    "admin": ("*:*:*",),
}
"""By caller of the token service; `admin` is for the `wxbus_token` commands."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Encryption keys and API keys."""

    encryption_keys: str = field(repr=False)
    gateway_encryption_keys: str = field(repr=False)
    api_keys: dict[str, str] = field(repr=False)
    """By caller."""
    api_keys_file: Path

    @classmethod
    def of(cls, folder: Path) -> "Credentials":
        """Return the credentials in `folder`; create what is missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        entries = folder / "api_keys.toml"
        files = {caller: folder / f"{caller}_api_key" for caller in SCOPES}
        if not all(file.exists() for file in files.values()) or not _has_all_scopes(entries):
            made = {caller: new_key(caller, list(scopes)) for caller, scopes in SCOPES.items()}
            _write(entries, "\n\n".join(entry.as_toml() for _, entry in made.values()))
            for caller, (key, _) in made.items():
                _write(files[caller], key)
        return cls(
            encryption_keys=_encryption_keys(folder / "encryption_keys"),
            gateway_encryption_keys=_encryption_keys(folder / "gateway_encryption_keys"),
            api_keys={caller: _read(file) for caller, file in files.items()},
            api_keys_file=entries.absolute(),
        )


def _has_all_scopes(entries: Path) -> bool:
    """Return whether the keys have the scopes that callers need now."""
    text = entries.read_text(encoding="utf-8") if entries.exists() else ""
    return all(f'"{scope}"' in text for scopes in SCOPES.values() for scope in scopes)


def _encryption_keys(file: Path) -> str:
    """Return the keys in a file. They are never replaced: data sealed with them would be lost."""
    if not file.exists():
        _write(file, new_encryption_key("local"))
    return _read(file)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text + "\n", encoding="utf-8")
