"""TOML files that people write, also with an editor of Windows: what is wrong is said so that they find it."""

import tomllib
from pathlib import Path
from typing import Any

from wxbus.errors import ConfigurationError


def read_toml(path: Path, key: str, *, like: str) -> Any:
    """Return what stands under `key`, the one key that a file may have; None if there is nothing in it.

    Args:
        path: Of the file.
        key: Whatever else stands at the top is a mistake, and would be lost without a word.
        like: How the file's tables begin, to show to who made that mistake.

    Raises:
        ConfigurationError: It cannot be read, is no TOML or has other keys; the text does not name the file.
    """
    try:
        document = tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(str(exc)) from exc
    if strange := [name for name in document if name != key]:
        raise ConfigurationError(f"{strange[0]}: all must stand below {like}")
    return document.get(key)


def text_of(path: Path) -> str:
    """Return a file's text without the mark that editors of Windows put before it.

    Raises:
        ConfigurationError: It cannot be read, or is not UTF-8; the text does not name the file.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigurationError(exc.strerror or type(exc).__name__) from exc
    except UnicodeDecodeError as exc:
        where = exc.object[: exc.start].count(b"\n") + 1
        raise ConfigurationError(f"it is not UTF-8 (line {where}): save it as UTF-8") from None  # it holds the text
