"""Opens the SQLite database of a spool; replaces a damaged database, and reads a database on a full disk."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, spooled_at REAL NOT NULL, envelope BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS unreadable (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, spooled_at REAL NOT NULL, envelope BLOB NOT NULL
) STRICT;
"""
# auto_vacuum comes first: it has no effect once the file has tables.
PRAGMAS = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 67108864;
"""
DAMAGE_ERRORS = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
DISK_FULL_ERRORS = ("SQLITE_FULL", "SQLITE_IOERR")
"""Prefixes of the errors that a full disk causes: the `-shm` and `-wal` files need space even for reading."""

log = structlog.stdlib.get_logger(__name__)


def open_database(path: Path) -> sqlite3.Connection:
    """Return a connection for writing; creates a missing database, and moves a damaged one aside.

    Raises:
        sqlite3.Error: The database cannot be used for another reason than damage.
    """
    try:
        return _open_checked(path)
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorname", "") not in DAMAGE_ERRORS:
            raise
        damage = str(exc)
    log.error("spool.damaged", reason=damage, moved_to=str(_move_aside(path)))
    return _open_checked(path)


def is_disk_full(exc: sqlite3.Error) -> bool:
    """Return whether a full disk may have caused an error."""
    return getattr(exc, "sqlite_errorname", "").startswith(DISK_FULL_ERRORS)


def open_on_full_disk(path: Path) -> sqlite3.Connection:
    """Return a read-only connection that needs no disk space; without a database it has empty tables.

    Raises:
        sqlite3.Error: The write-ahead log of a killed process holds rows, and reading it needs space.
    """
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        raise sqlite3.OperationalError("there is no disk space to read its write-ahead log")
    if path.exists():
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        [tables] = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        if tables == SCHEMA.count("CREATE TABLE"):
            return connection
        connection.close()  # the disk was full before the schema was complete
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(f"{SCHEMA} PRAGMA query_only = ON")
    return connection


@contextmanager
def open_for_reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a read-only connection that does not disturb the process that uses the spool; raises sqlite3.Error."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _open_checked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(PRAGMAS)
        _check(connection)
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    [result] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        damage = sqlite3.DatabaseError(result)
        damage.sqlite_errorname = DAMAGE_ERRORS[0]
        raise damage


def _move_aside(path: Path) -> Path:
    mark = f".bad-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{time.time_ns() % 10**6:06}"
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(path.name + mark + suffix))
    return path.with_name(path.name + mark)
