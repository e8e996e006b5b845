"""TOML files, also from Windows editors."""

import tomllib
from pathlib import Path
from typing import Any

from wxbus.errors import ConfigurationError


def read_toml(path: Path, key: str, *, like: str) -> Any:
    """Return the value of `key`, the only top-level key that the file may have; None if the file is empty.

    Args:
        path: The file.
        key: Top-level key.
        like: Header of the file's tables, for the error about other keys.

    Raises:
        ConfigurationError: The file is unreadable, not TOML or has other keys; the text does not name the file.
    """
    try:
        document = tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(str(exc)) from exc
    if unknown := [name for name in document if name != key]:
        raise ConfigurationError(f"{unknown[0]}: unknown key; everything must be below {like}")
    return document.get(key)


def text_of(path: Path) -> str:
    """Return a file's text without the byte order mark that Windows editors write.

    Raises:
        ConfigurationError: The file is unreadable or not UTF-8; the text does not name the file.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigurationError(exc.strerror or type(exc).__name__) from exc
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise ConfigurationError(f"it is not UTF-8 (line {line}): save it as UTF-8") from None  # `exc` holds the text
