"""Disk space for deleting rows: on a full disk SQLite cannot delete without free space.

See RabbitMQ and Redis reference 9.
"""

from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from typing import Final

import structlog

MEBIBYTE: Final = 2**20
SIZE: Final = 16 * MEBIBYTE
"""Bytes: more than the write-ahead log takes up to a checkpoint, with a batch of the largest callbacks in it."""

log = structlog.stdlib.get_logger(__name__)


class Reserve:
    """A file of zeros next to the spool; it is deleted when its space is needed, and written again later."""

    def __init__(self, path: Path) -> None:
        """Use the file of the last process at `path`, or write it."""
        self._path = path
        self.allocated = path.exists() and path.stat().st_size == SIZE
        self.allocate()

    def allocate(self) -> None:
        """Write the file if there is enough disk space; otherwise the next call tries again."""
        if self.allocated or disk_usage(self._path.parent).free < 2 * SIZE:
            return
        try:
            with self._path.open("wb", buffering=0) as file:
                for _ in range(SIZE // MEBIBYTE):
                    file.write(bytes(MEBIBYTE))
        except OSError:
            self.delete()
        else:
            self.allocated = self._path.stat().st_size == SIZE

    def release(self) -> bool:
        """Free the space; return whether there was any."""
        if not self.allocated:
            return False
        self.delete()
        log.warning("spool.reserve_released", bytes=SIZE)
        return True

    def delete(self) -> None:
        """Remove the file."""
        self.allocated = False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
