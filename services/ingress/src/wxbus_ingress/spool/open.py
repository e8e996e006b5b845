"""Opening a spool's file: for this process alone, checked, and moved aside if it is damaged."""

import fcntl
import os
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
# Order matters: auto_vacuum counts only in a file without tables.
PRAGMAS = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 67108864;
"""
LOCK_WAIT = 2.0
"""Seconds for which another process may hold the lock before we say so: one that is ending, or `spool status`."""
LOCK_POLL = 0.05
SUFFIX = ".sqlite"
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR")
"""How the names of errors begin that a full disk causes: `-shm` and `-wal` need space even for reading."""

log = structlog.stdlib.get_logger(__name__)


def file_of(folder: Path, process: int) -> Path:
    """Return the file of the process of this number: each has its own."""
    return folder / f"spool-{process}{SUFFIX}"


def files_in(folder: Path) -> list[Path]:
    """Return all spools of a folder, those moved aside too."""
    return sorted(path for path in folder.glob(f"spool-*{SUFFIX}*") if not path.name.endswith(("-wal", "-shm")))


def locked(path: Path) -> int:
    """Return the descriptor that holds the lock: SQLite's own would be lost with any other handle on its file.

    Raises:
        OSError: Another process has it, or it cannot be made.
    """
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    patience = time.monotonic() + LOCK_WAIT
    while not _taken(lock):
        if time.monotonic() > patience:
            os.close(lock)
            raise OSError(f"another process has it: {path.with_suffix('.lock')}")
        time.sleep(LOCK_POLL)
    return lock


def opened(path: Path) -> sqlite3.Connection:
    """Return a connection to the spool at `path`, made if it is not there, moved aside and made anew if it is damaged.

    Raises:
        sqlite3.Error: It cannot be used, and not because of damage.
    """
    try:
        return _checked(path)
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorname", "") not in DAMAGED:
            raise
        damage = str(exc)
    log.error("spool.damaged", reason=damage, moved_to=str(_moved_aside(path)))
    return _checked(path)


def lacks_room(exc: sqlite3.Error) -> bool:
    """Return whether an error may come from a full disk."""
    return getattr(exc, "sqlite_errorname", "").startswith(NO_ROOM)


def opened_without_room(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads the rows at `path`, if there are any, and needs no disk space.

    Raises:
        sqlite3.Error: The last process was killed, so that rows are in its write-ahead log, which needs space to read.
    """
    log_file = path.with_name(path.name + "-wal")
    if log_file.exists() and log_file.stat().st_size:
        raise sqlite3.OperationalError("there is no disk space to read its write-ahead log")
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    if path.exists():
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        [tables] = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        if tables == SCHEMA.count("CREATE TABLE"):
            return connection
        connection.close()  # the disk was full before it was created completely
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(f"{SCHEMA} PRAGMA query_only = ON")
    return connection


def _checked(path: Path) -> sqlite3.Connection:
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
    [answer] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        damage = sqlite3.DatabaseError(answer)
        damage.sqlite_errorname = DAMAGED[0]
        raise damage


def _moved_aside(path: Path) -> Path:
    mark = f".bad-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{time.time_ns() % 10**6:06}"
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(path.name + mark + suffix))
    return path.with_name(path.name + mark)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that only reads, beside the process that has the spool; raises sqlite3.Error."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def in_use(path: Path) -> bool:
    """Whether a process has the spool of `path` open."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _taken(lock)
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
