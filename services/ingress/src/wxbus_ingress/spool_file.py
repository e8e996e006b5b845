"""A SQLite file with one row for each envelope that RabbitMQ has not confirmed (RabbitMQ and Redis reference 9).

Everything here blocks; `wxbus_ingress.spool` calls it from its writer thread alone.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from wxbus.bus.envelope import Envelope
from wxbus.errors import ConfigurationError
from wxbus_ingress.spool_opening import locked, opened

BATCH_BYTES = 8 * 1024 * 1024
"""Bytes of envelopes read at once: a megabyte each would be too many by number alone."""

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
    """An open spool, ours until closed."""

    def __init__(self, path: Path) -> None:
        """Open or create `path`; one that is damaged is moved aside.

        Raises:
            ConfigurationError: It cannot be used, or another process has it.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # message bodies are nobody else's business
            self._lock = locked(path)
        except OSError as exc:
            raise ConfigurationError(f"the spool {path} cannot be used: {exc.strerror or exc}") from exc
        try:
            self._connection = opened(path)
            self.contents = read_contents(self._connection)
        except sqlite3.Error as exc:
            os.close(self._lock)
            raise ConfigurationError(f"the spool {path} cannot be used: {exc}") from exc

    def close(self) -> None:
        """Close it; the rows stay for the next start."""
        self._connection.close()
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes of the block durable together, or none of them.

        Raises:
            sqlite3.Error: None of them is.
        """
        before = self.contents
        self.contents = Contents(before.rows, before.bytes, before.oldest, before.unreadable)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self.contents = before
            with suppress(sqlite3.Error):  # it may have been rolled back by what went wrong
                self._connection.execute("ROLLBACK")
            raise

    def free_disk(self) -> int:
        """Return the bytes that are free where the file is."""
        return shutil.disk_usage(self.path.parent).free

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
            self.contents.rows += 1
            self.contents.bytes += len(data)
            self.contents.oldest = self.contents.oldest or now

    def oldest(self, limit: int) -> list[Spooled]:
        """Return up to `limit` envelopes, the oldest first; one that cannot be read is set aside, for an operator."""
        found: list[Spooled] = []
        size = 0
        unreadable: list[int] = []
        for number, data in self._connection.execute("SELECT number, envelope FROM spool ORDER BY number"):
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
            marks = ",".join("?" * len(unreadable))
            copy = f"INSERT OR REPLACE INTO unreadable SELECT * FROM spool WHERE number IN ({marks})"  # noqa: S608 - question marks only
            self._connection.execute(copy, unreadable)
            self.remove(unreadable)
            self.contents.unreadable += len(unreadable)
        return found

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove envelopes."""
        for number in numbers:
            removed = self._connection.execute(
                "DELETE FROM spool WHERE number = ? RETURNING length(envelope)", (number,)
            ).fetchall()
            for (size,) in removed:
                self.contents.rows -= 1
                self.contents.bytes -= size
        first = self._connection.execute("SELECT spooled_at FROM spool ORDER BY number LIMIT 1").fetchone()
        self.contents.oldest = first[0] if first else None

    def shrink(self) -> None:
        """Give the room of removed rows back to the disk: else a spool that was large would keep it at its floor."""
        try:
            # As a script, which runs to the end: a mere statement would free one page.
            self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as exc:
            log.warning("spool.not_shrunk", reason=str(exc))


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
