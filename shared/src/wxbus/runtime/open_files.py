"""The limit of open files: each connection counts as a file, and many systems start processes with a limit of 1,024."""

import resource
from contextlib import suppress


def allow_open_files() -> int:
    """Raise this process's limit of open files to the maximum that the system permits; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports no maximum, and refuses such a limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft
