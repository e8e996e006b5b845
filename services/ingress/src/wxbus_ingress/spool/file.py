"""A SQLite file with one row for each envelope that RabbitMQ has not confirmed (RabbitMQ and Redis reference 9).

Everything here blocks; `wxbus_ingress.spool.spool` calls it from its writer thread alone.
"""

import os
import shutil
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from wxbus.bus.envelope import Envelope
from wxbus.errors import ConfigurationError
from wxbus_ingress.spool.open import lacks_room, locked, opened, opened_without_room
from wxbus_ingress.spool.reserve import Reserve

BATCH_BYTES = 8 * 1024 * 1024
"""Bytes of envelopes read at once: a megabyte each would be too many by number alone."""
DELETE = 256
"""Rows deleted at once; fewer after a failure, because each needs disk space."""

log = structlog.stdlib.get_logger(__name__)
_envelopes = TypeAdapter(Envelope)


@dataclass(frozen=True, slots=True)
class Spooled:
    """An envelope and its place in the order of arrival."""

    number: int
    envelope: Envelope


@dataclass(slots=True)
class Contents:
    """What a spool holds."""

    rows: int = 0
    bytes: int = 0
    oldest: float | None = None
    """When the oldest envelope was spooled, seconds since the epoch; None: there is none."""
    unreadable: int = 0


def encode(envelope: Envelope) -> bytes:
    """Return `envelope` as the JSON that stands in the file."""
    return _envelopes.dump_json(envelope)


def decode(data: bytes) -> Envelope:
    """Return the envelope that `encode` made `data` of; raises ValidationError if it is none that we know."""
    return _envelopes.validate_json(data)


class SpoolFile:
    """An open spool, ours until closed.

    Rows that RabbitMQ has confirmed are left out at once, whether or not the disk lets us delete them; deleting goes on
    in `delete_sent` until it succeeds.
    """

    def __init__(self, path: Path) -> None:
        """Open or create `path`; one that is damaged is moved aside; one on a full disk is only read.

        Raises:
            ConfigurationError: It cannot be used, or another process has it.
        """
        self.path = path
        self.unwritable = ""
        """Why rows are only read: there was no disk space to open the file; "" if it is open for writing."""
        self._skipped: set[int] = set()
        """Rows in the file that are not returned: confirmed or unreadable, and not deleted yet."""
        self._sent: deque[int] = deque()
        """Those of them that are to be deleted."""
        self._at_once = DELETE
        self._first = -sys.maxsize
        """All rows before it are skipped."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # message bodies are nobody else's business
            self._lock = locked(path)
            self.reserve = Reserve(path.with_suffix(".reserve"))
        except OSError as exc:
            raise ConfigurationError(f"the spool {path} cannot be used: {exc.strerror or exc}") from exc
        try:
            self._connection = self._open()
            self.contents = read_contents(self._connection)
        except sqlite3.Error as exc:
            os.close(self._lock)
            raise ConfigurationError(f"the spool {path} cannot be used: {exc}") from exc

    def close(self) -> None:
        """Close it; the rows stay for the next start."""
        self._connection.close()
        if not self.contents.rows:
            self.reserve.release()
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes of the block durable together, or none of them.

        Raises:
            sqlite3.Error: None of them is.
        """
        before = replace(self.contents)
        try:
            self._connection.execute("BEGIN")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self.contents = before
            with suppress(sqlite3.Error):  # it may have been rolled back by what went wrong
                self._connection.execute("ROLLBACK")
            raise

    def room(self) -> int:
        """Return the bytes that rows may still take: what is free on the disk, and in the file."""
        [pages], [size] = (
            self._connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_size")
        )
        return shutil.disk_usage(self.path.parent).free + int(pages) * int(size)

    def try_write(self) -> None:
        """Write something that changes nothing; raises sqlite3.Error if the disk does not take it."""
        with self.transaction():
            [number] = self._connection.execute("PRAGMA user_version").fetchone()
            self._connection.execute(f"PRAGMA user_version = {(number + 1) % 2**31}")

    def last_number(self) -> int:
        """Return the greatest number, of either sign, that an envelope here has, or 0."""
        extremes = self._connection.execute(
            "SELECT (SELECT min(number) FROM spool), (SELECT max(number) FROM spool), "
            "(SELECT min(number) FROM unreadable), (SELECT max(number) FROM unreadable)"
        ).fetchone()
        return max(abs(int(number or 0)) for number in extremes)

    def add(self, number: int, envelope_id: str, data: bytes) -> None:
        """Add an envelope under its number of arrival; one that is there already stays as it is."""
        now = time.time()
        added = self._connection.execute(
            "INSERT INTO spool VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", (number, envelope_id, now, data)
        )
        if added.rowcount:
            self._first = min(self._first, number)
            self.contents.rows += 1
            self.contents.bytes += len(data)
            self.contents.oldest = self.contents.oldest or now

    def oldest(self, limit: int) -> list[Spooled]:
        """Return up to `limit` envelopes, the oldest first; one that cannot be read is set aside, for an operator."""
        found: list[Spooled] = []
        size = 0
        unreadable: list[int] = []
        for number, data in self._rows("envelope"):
            try:
                found.append(Spooled(number, decode(data)))
            except ValidationError as exc:
                unreadable.append(number)
                wrong = {".".join(map(str, error["loc"])): error["type"] for error in exc.errors(include_input=False)}
                log.warning("spool.unreadable", number=number, wrong=wrong)
            size += len(data)
            if len(found) == limit or size > BATCH_BYTES:
                break
        if unreadable:
            self._set_aside(unreadable)
        self._first = found[0].number if found else self._first
        return found

    def remove(self, numbers: Iterable[int]) -> None:
        """Leave out envelopes from now on; `delete_sent` deletes them."""
        self._sent.extend(self._skip(numbers))

    def delete_sent(self) -> bool:
        """Delete some of the rows that were removed; return whether that went well and there were any."""
        if not self._sent or self.unwritable:
            return False
        numbers = list(islice(self._sent, self._at_once))
        try:
            with self.transaction():
                self._connection.execute(f"DELETE FROM spool WHERE number IN ({_marks(numbers)})", numbers)  # noqa: S608
        except sqlite3.Error as exc:
            if self._at_once == DELETE:
                log.warning("spool.not_deleted", reason=str(exc), callbacks=len(self._sent))
            self._at_once = max(1, self._at_once // 4)
            return self.reserve.release() and self.delete_sent()
        self._at_once = DELETE
        for number in numbers:
            self._sent.popleft()
            self._skipped.discard(number)
        return True

    @property
    def deleting(self) -> int:
        """Return how many rows are removed and not deleted yet."""
        return len(self._sent)

    @property
    def wants_care(self) -> bool:
        """Return whether `delete_sent` or `care` has something to do."""
        return bool(self._sent or self.unwritable) or not self.reserve.held

    def care(self) -> None:
        """Try again what a full disk did not allow."""
        if self.unwritable:
            with suppress(sqlite3.Error):
                connection = opened(self.path)
                self._connection.close()
                self._connection, self.unwritable = connection, ""
                log.info("spool.writable")
        self.reserve.take()

    def shrink(self) -> None:
        """Give the room of removed rows back to the disk: else a spool that was large would keep it at its floor."""
        try:
            # As a script, which runs to the end: a mere statement would free one page.
            self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as exc:
            log.warning("spool.not_shrunk", reason=str(exc))

    def _open(self) -> sqlite3.Connection:
        try:
            return opened(self.path)
        except sqlite3.Error as exc:
            if not lacks_room(exc):
                raise
            self.unwritable = str(exc)
        if self.reserve.release():
            with suppress(sqlite3.Error):
                connection = opened(self.path)
                self.unwritable = ""
                return connection
        log.error("spool.not_writable", reason=self.unwritable, spool=str(self.path))
        return opened_without_room(self.path)

    def _rows(self, column: str) -> Iterator[tuple[int, Any]]:
        """Yield number and a column of what was not removed, the oldest first."""
        query = f"SELECT number, {column} FROM spool WHERE number >= ? ORDER BY number"  # noqa: S608 - a name of ours
        return (row for row in self._connection.execute(query, (self._first,)) if row[0] not in self._skipped)

    def _skip(self, numbers: Iterable[int]) -> list[int]:
        """Leave rows out and count them no more; return those that were there."""
        skipped: list[int] = []
        for number in numbers:
            row = self._connection.execute("SELECT length(envelope) FROM spool WHERE number = ?", (number,)).fetchone()
            if row is not None and number not in self._skipped:
                self._skipped.add(number)
                self.contents.rows -= 1
                self.contents.bytes -= row[0]
                skipped.append(number)
        self.contents.oldest = next((at for _, at in self._rows("spooled_at")), None)
        return skipped

    def _set_aside(self, numbers: list[int]) -> None:
        copy = f"INSERT OR REPLACE INTO unreadable SELECT * FROM spool WHERE number IN ({_marks(numbers)})"  # noqa: S608 - question marks only
        self.contents.unreadable += len(self._skip(numbers))
        try:
            with self.transaction():
                self._connection.execute(copy, numbers)
                self._connection.execute(f"DELETE FROM spool WHERE number IN ({_marks(numbers)})", numbers)  # noqa: S608
        except sqlite3.Error as exc:  # the next process tries again
            log.warning("spool.not_set_aside", reason=str(exc), callbacks=len(numbers))
        else:
            self._skipped.difference_update(numbers)


def _marks(numbers: list[int]) -> str:
    return ",".join("?" * len(numbers))


def read_contents(connection: sqlite3.Connection) -> Contents:
    """Return what the file holds."""
    rows, size, oldest = connection.execute(
        "SELECT count(*), coalesce(sum(length(envelope)), 0), min(spooled_at) FROM spool"
    ).fetchone()
    [unreadable] = connection.execute("SELECT count(*) FROM unreadable").fetchone()
    return Contents(rows, size, oldest, unreadable)


def envelopes(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Yield every envelope as JSON, in order of arrival, those that cannot be read last."""
    for (data,) in connection.execute("SELECT envelope FROM spool ORDER BY number"):
        yield bytes(data)
    for (data,) in connection.execute("SELECT envelope FROM unreadable ORDER BY number"):
        yield bytes(data)
