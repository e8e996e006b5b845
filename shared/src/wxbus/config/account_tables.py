"""Reads the tables of the accounts file and the secrets that they refer to."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from wxbus.config.toml import read_toml, text_of
from wxbus.errors import ConfigurationError

SECRETS: Final = ("token", "aes_key", "secret")

Table: TypeAlias = dict[str, Any]


def account_tables(path: Path) -> dict[str, Table]:
    """Return the fields of each account by its name, with all secrets, those of `previous_keys` too.

    Raises:
        ConfigurationError: The file or a source of a secret is invalid; the text names the source, not the file.
    """
    return {name: _account(path.parent, name, table) for name, table in _tables(path).items()}


def identities(path: Path) -> dict[str, tuple[str, str]]:
    """Return appid and kind of each account by its name, without reading a secret.

    Raises:
        ConfigurationError: The file is invalid.
    """
    return {name: (str(table.get("appid", "")), str(table.get("kind", ""))) for name, table in _tables(path).items()}


def secret_files(path: Path) -> list[Path]:
    """Return the files that the accounts file names for secrets; raises ConfigurationError."""
    return [path.parent / file for file in _sources(path, "file")]


def secret_variables(path: Path) -> list[str]:
    """Return the environment variables that the accounts file names for secrets; raises ConfigurationError."""
    return list(_sources(path, "env"))


def _sources(path: Path, kind: str) -> Iterator[str]:
    tables = [table for account in _tables(path).values() for table in (account, *_previous(account))]
    named = (table.get(f"{secret}_{kind}") for table in tables for secret in SECRETS)
    return (source for source in named if isinstance(source, str))


def _tables(path: Path) -> Mapping[str, Table]:
    tables = read_toml(path, "accounts", like="[accounts.NAME]")
    if tables is None:
        return {}
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigurationError("accounts must be tables, [accounts.NAME]")
    return tables


def _previous(account: Table) -> Iterator[Table]:
    """Yield the tables of `previous_keys`; other values are left to the validation of the account."""
    pairs = account.get("previous_keys")
    if isinstance(pairs, list):
        yield from (pair for pair in pairs if isinstance(pair, dict))


def _account(folder: Path, name: str, table: Table) -> Table:
    fields = _with_secrets(folder, name, table)
    if pairs := list(_previous(table)):
        fields["previous_keys"] = [_with_secrets(folder, f"{name}: previous_keys", pair) for pair in pairs]
    return fields


def _with_secrets(folder: Path, where: str, table: Table) -> Table:
    fields = dict(table)
    for secret in SECRETS:
        sources = [key for key in (secret, f"{secret}_env", f"{secret}_file") if key in fields]
        if len(sources) > 1:
            raise ConfigurationError(f"{where}: give one of {', '.join(sources)}")
        if sources:
            (source,) = sources
            value = fields.pop(source)
            if not isinstance(value, str):
                raise ConfigurationError(f"{where}: {source}: must be a string")
            fields[secret] = _secret(folder, where, source, value)
    return fields


def _secret(folder: Path, where: str, source: str, value: str) -> str:
    if source.endswith("_env"):
        if value not in os.environ:
            raise ConfigurationError(f"{where}: {source}: {value} is not set")
        return os.environ[value].strip()
    if source.endswith("_file"):
        try:
            return text_of(folder / value).strip()
        except ConfigurationError as exc:
            raise ConfigurationError(f"{where}: {source}: {folder / value}: {exc}") from exc
    return value
