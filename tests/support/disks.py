"""Disks that a test can fill."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

SIZE = 64 * 2**20
"""Bytes of the small file system."""
CHUNK = 2**20


class Disk(Protocol):
    """A folder on a disk that can be full."""

    folder: Path

    def fill(self) -> None:
        """Fill the disk."""
        ...

    def free(self) -> None:
        """Free the space again."""
        ...


class SmallFileSystem:
    """A separate file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "spools"
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Write until there is no space left."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (CHUNK, os.statvfs(file.name).f_bsize):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        """Delete what `fill` wrote."""
        self._filler.unlink()


class SizeLimit:
    """A folder whose files cannot grow, by a limit of the process: works without root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "spools"
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        """Limit files to the length of the write-ahead logs."""
        longest = max((path.stat().st_size for path in self.folder.rglob("*-wal")), default=0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(longest, 8192), self._limits[1]))

    def free(self) -> None:
        """Remove the limit."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


@contextmanager
def small_file_system(folder: Path) -> Iterator[Disk]:
    """Yield a small file system, mounted at `folder`; skips the test where it cannot be mounted."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield SmallFileSystem(folder)
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def size_limit(folder: Path) -> Iterator[Disk]:
    """Yield a folder whose files can be limited."""
    disk = SizeLimit(folder)
    try:
        yield disk
    finally:
        disk.free()


DISKS = {"small file system": small_file_system, "size limit": size_limit}
