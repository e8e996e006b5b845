"""Disk space that is kept for deleting rows: on a full disk SQLite needs some to delete anything (broker notes 9)."""

from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from typing import Final

import structlog

MEBIBYTE: Final = 2**20
SIZE: Final = 16 * MEBIBYTE
"""Bytes: more than the write-ahead log grows until a checkpoint, with a batch of the largest callbacks in it."""

log = structlog.stdlib.get_logger(__name__)


class Reserve:
    """A file of zeros beside the spool, which is deleted when its space is needed and written again later."""

    def __init__(self, path: Path) -> None:
        """Find the reserve of the last process at `path`, or make one."""
        self._path = path
        self.held = path.exists() and path.stat().st_size == SIZE
        """Whether the space is kept."""
        self.take()

    def take(self) -> None:
        """Keep the space if there is enough of it; else the next call tries again."""
        if self.held or disk_usage(self._path.parent).free < 2 * SIZE:
            return
        try:
            with self._path.open("wb", buffering=0) as file:
                for _ in range(SIZE // MEBIBYTE):
                    file.write(bytes(MEBIBYTE))
        except OSError:
            self._delete()
        else:
            self.held = self._path.stat().st_size == SIZE

    def release(self) -> bool:
        """Free the space; return whether there was any to free."""
        if not self.held:
            return False
        self.held = False
        self._delete()
        log.warning("spool.reserve_released", bytes=SIZE)
        return True

    def _delete(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
