"""Reads the recipients of a broadcast from a file, in constant memory."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from wxbus.errors import ConfigurationError

OPENID: Final = re.compile(r"[A-Za-z0-9_.@:-]{1,128}")
"""As in `wxbus.messages.requests`."""
CHUNK: Final = 1_000


def openids_of(file: Path) -> Iterator[str]:
    """Yield the openid of each line; empty lines are skipped.

    Raises:
        ConfigurationError: A line is not an openid; the text names the line.
    """
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if openid := line.strip():
                if not OPENID.fullmatch(openid):
                    raise ConfigurationError(f"{file}, line {number}: not an openid")
                yield openid


def chunks(openids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the openids in lists of at most `CHUNK`."""
    left = iter(openids)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
