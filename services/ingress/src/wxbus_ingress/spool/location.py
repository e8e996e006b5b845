"""Where spools are, and the lock that gives a spool to one process."""

import fcntl
import os
import time
from pathlib import Path

SUFFIX = ".sqlite"
LOCK_TIMEOUT = 2.0
"""Seconds to wait for the lock: a process that is stopping may hold it, or `spool status` for a moment."""
LOCK_POLL_INTERVAL = 0.05


def spool_path(folder: Path, process: int) -> Path:
    """Return the spool file of the process with this number."""
    return folder / f"spool-{process}{SUFFIX}"


def list_spools(folder: Path) -> list[Path]:
    """Return all spool files in `folder`, including damaged ones that were moved aside."""
    return sorted(path for path in folder.glob(f"spool-*{SUFFIX}*") if not path.name.endswith(("-wal", "-shm")))


def acquire_lock(path: Path) -> int:
    """Return the file descriptor that holds the lock of the spool at `path`.

    SQLite's own lock is not enough: closing any other handle on the database file releases it.

    Raises:
        OSError: Another process holds it, or the lock file cannot be created.
    """
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    timeout_at = time.monotonic() + LOCK_TIMEOUT
    while not _try_lock(lock):
        if time.monotonic() > timeout_at:
            os.close(lock)
            raise OSError(f"another process holds the lock {path.with_suffix('.lock')}")
        time.sleep(LOCK_POLL_INTERVAL)
    return lock


def is_in_use(path: Path) -> bool:
    """Return whether a process has the spool at `path` open."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
