"""A SQLite file with one row for each envelope that RabbitMQ has not confirmed (RabbitMQ and Redis reference 9).

All calls block; only the writer thread of `wxbus_ingress.spool.writer` makes them.
"""

import os
import shutil
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from wxbus.errors import ConfigurationError
from wxbus_ingress.spool.database import is_disk_full, open_database, open_on_full_disk
from wxbus_ingress.spool.location import acquire_lock
from wxbus_ingress.spool.reserve import Reserve
from wxbus_ingress.spool.rows import SpooledEnvelope, decode, read_stats

READ_BYTES = 8 * 1024 * 1024
"""Bytes of envelopes in one read: a limit by number alone would allow a megabyte for each."""
DELETE_BATCH = 256
"""Rows in one deletion; fewer after a failure, because each row needs disk space."""

log = structlog.stdlib.get_logger(__name__)


class SpoolFile:
    """An open spool file, locked for this process until closed.

    Removed rows are skipped at once, even if a full disk prevents their deletion; `delete_removed` repeats it.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file; a damaged file is moved aside, a file on a full disk is opened read-only.

        Raises:
            ConfigurationError: The file cannot be used, or another process uses it.
        """
        self.path = path
        self.read_only_reason = ""
        """Why the file is read-only: there was no disk space to open it; "" if it can be written."""
        self._skipped: set[int] = set()
        """Rows in the file that are not returned: removed or unreadable, and not deleted yet."""
        self._removed: deque[int] = deque()
        """Skipped rows that are to be deleted."""
        self._delete_batch = DELETE_BATCH
        self._first = -sys.maxsize
        """All rows with smaller numbers are skipped."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # rows hold message bodies
            self._lock = acquire_lock(path)
            self.reserve = Reserve(path.with_suffix(".reserve"))
        except OSError as exc:
            raise ConfigurationError(f"the spool {path} cannot be used: {exc.strerror or exc}") from exc
        try:
            self._connection = self._open()
            self.stats = read_stats(self._connection)
        except sqlite3.Error as exc:
            os.close(self._lock)
            raise ConfigurationError(f"the spool {path} cannot be used: {exc}") from exc

    def close(self) -> None:
        """Close the file; its rows stay for the next start."""
        self._connection.close()
        if not self.stats.rows:
            self.reserve.delete()
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes of the block to the disk, or none.

        Raises:
            sqlite3.Error: Nothing was committed.
        """
        before = replace(self.stats)
        try:
            self._connection.execute("BEGIN")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self.stats = before
            with suppress(sqlite3.Error):  # the failure may have rolled it back
                self._connection.execute("ROLLBACK")
            raise

    def free_bytes(self) -> int:
        """Return the bytes that rows can still take: free space of the disk and of the file."""
        [pages], [size] = (
            self._connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_size")
        )
        return shutil.disk_usage(self.path.parent).free + int(pages) * int(size)

    def test_write(self) -> None:
        """Write a value that has no meaning; raises sqlite3.Error if the disk refuses it."""
        with self.transaction():
            [number] = self._connection.execute("PRAGMA user_version").fetchone()
            self._connection.execute(f"PRAGMA user_version = {(number + 1) % 2**31}")

    def last_number(self) -> int:
        """Return the greatest absolute number in the file, or 0."""
        extremes = self._connection.execute(
            "SELECT (SELECT min(number) FROM spool), (SELECT max(number) FROM spool), "
            "(SELECT min(number) FROM unreadable), (SELECT max(number) FROM unreadable)"
        ).fetchone()
        return max(abs(int(number or 0)) for number in extremes)

    def add(self, number: int, envelope_id: str, data: bytes) -> None:
        """Add an envelope under its arrival number; does nothing if the id is in the file."""
        now = time.time()
        added = self._connection.execute(
            "INSERT INTO spool VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", (number, envelope_id, now, data)
        )
        if added.rowcount:
            self._first = min(self._first, number)
            self.stats.rows += 1
            self.stats.bytes += len(data)
            self.stats.oldest = self.stats.oldest or now

    def oldest(self, limit: int) -> list[SpooledEnvelope]:
        """Return up to `limit` envelopes, the oldest first; moves unreadable rows to a table of their own."""
        found: list[SpooledEnvelope] = []
        size = 0
        unreadable: list[int] = []
        for number, data in self._rows("envelope"):
            try:
                found.append(SpooledEnvelope(number, decode(data)))
            except ValidationError as exc:
                unreadable.append(number)
                errors = {".".join(map(str, error["loc"])): error["type"] for error in exc.errors(include_input=False)}
                log.warning("spool.unreadable", number=number, errors=errors)
            size += len(data)
            if len(found) == limit or size > READ_BYTES:
                break
        if unreadable:
            self._set_aside(unreadable)
        self._first = found[0].number if found else self._first
        return found

    def remove(self, numbers: Iterable[int]) -> None:
        """Skip rows from now on; `delete_removed` deletes them."""
        self._removed.extend(self._skip(numbers))

    def delete_removed(self) -> bool:
        """Delete a batch of removed rows; return whether it deleted any."""
        if not self._removed or self.read_only_reason:
            return False
        numbers = list(islice(self._removed, self._delete_batch))
        try:
            with self.transaction():
                self._delete(numbers)
        except sqlite3.Error as exc:
            if self._delete_batch == DELETE_BATCH:
                log.warning("spool.delete_failed", reason=str(exc), callbacks=len(self._removed))
            self._delete_batch = max(1, self._delete_batch // 4)
            return self.reserve.release() and self.delete_removed()
        self._delete_batch = DELETE_BATCH
        for number in numbers:
            self._removed.popleft()
            self._skipped.discard(number)
        return True

    @property
    def undeleted(self) -> int:
        """Return how many removed rows are not deleted yet."""
        return len(self._removed)

    @property
    def needs_maintenance(self) -> bool:
        """Return whether `delete_removed` or `maintain` has something to do."""
        return bool(self._removed or self.read_only_reason) or not self.reserve.allocated

    def maintain(self) -> None:
        """Repeat the steps that a full disk prevented: opening for writing, allocating the reserve."""
        if self.read_only_reason:
            with suppress(sqlite3.Error):
                connection = open_database(self.path)
                self._connection.close()
                self._connection, self.read_only_reason = connection, ""
                log.info("spool.writable")
        self.reserve.allocate()

    def shrink(self) -> None:
        """Return the space of deleted rows to the disk, which could otherwise stay below its floor."""
        try:
            # A script runs to its end; a single statement would free one page.
            self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as exc:
            log.warning("spool.shrink_failed", reason=str(exc))

    def _open(self) -> sqlite3.Connection:
        try:
            return open_database(self.path)
        except sqlite3.Error as exc:
            if not is_disk_full(exc):
                raise
            self.read_only_reason = str(exc)
        if self.reserve.release():
            with suppress(sqlite3.Error):
                connection = open_database(self.path)
                self.read_only_reason = ""
                return connection
        log.error("spool.read_only", reason=self.read_only_reason, spool=str(self.path))
        return open_on_full_disk(self.path)

    def _rows(self, column: str) -> Iterator[tuple[int, Any]]:
        """Yield number and one column of all rows that are not skipped, the oldest first."""
        query = f"SELECT number, {column} FROM spool WHERE number >= ? ORDER BY number"  # noqa: S608 - a constant
        return (row for row in self._connection.execute(query, (self._first,)) if row[0] not in self._skipped)

    def _skip(self, numbers: Iterable[int]) -> list[int]:
        """Skip rows and subtract them from the stats; return those that were in the file."""
        skipped: list[int] = []
        for number in numbers:
            row = self._connection.execute("SELECT length(envelope) FROM spool WHERE number = ?", (number,)).fetchone()
            if row is not None and number not in self._skipped:
                self._skipped.add(number)
                self.stats.rows -= 1
                self.stats.bytes -= row[0]
                skipped.append(number)
        self.stats.oldest = next((at for _, at in self._rows("spooled_at")), None)
        return skipped

    def _set_aside(self, numbers: list[int]) -> None:
        marks = ",".join("?" * len(numbers))
        copy = f"INSERT OR REPLACE INTO unreadable SELECT * FROM spool WHERE number IN ({marks})"  # noqa: S608 - question marks
        self.stats.unreadable += len(self._skip(numbers))
        try:
            with self.transaction():
                self._connection.execute(copy, numbers)
                self._delete(numbers)
        except sqlite3.Error as exc:  # the next process tries again
            log.warning("spool.set_aside_failed", reason=str(exc), callbacks=len(numbers))
        else:
            self._skipped.difference_update(numbers)

    def _delete(self, numbers: list[int]) -> None:
        marks = ",".join("?" * len(numbers))
        self._connection.execute(f"DELETE FROM spool WHERE number IN ({marks})", numbers)  # noqa: S608 - question marks
