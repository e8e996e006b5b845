"""The limit of open files: each connection is one, and many systems start processes with 1,024."""

import resource
from contextlib import suppress


def allow_open_files() -> int:
    """Raise this process's limit of open files to the most that it may have; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS names no limit, and refuses none
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft
