"""Programs that tests need, named with `@pytest.mark.programs("node")`."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from wxbus_local.install import package_managers

PACKAGES = {
    "node": {"apt": "nodejs", "brew": "node"},
    "curl": {"apt": "curl", "brew": "curl"},
    "initdb": {"apt": "postgresql", "brew": "postgresql"},
    "redis-server": {"apt": "redis-server", "brew": "redis"},
}


ELSEWHERE = {"initdb": Path("/usr/lib/postgresql")}
"""Folders outside of PATH with a folder for each version, as Debian keeps PostgreSQL."""


def find(name: str) -> str | None:
    """Return the path of a program, of the newest version if there are several; None without it."""
    found = [path / "bin" / name for path in ELSEWHERE[name].glob("*")] if name in ELSEWHERE else []
    newest = max((path for path in found if path.exists()), key=lambda path: float(path.parts[-3]), default=None)
    return shutil.which(name) if newest is None else str(newest)


def provide(names: Iterable[str], report: Callable[[str], None]) -> None:
    """Install missing programs with the package manager, if this user may."""
    missing = [name for name in names if find(name) is None]
    manager = package_managers.available() if missing else None
    for name in missing:
        if manager is not None:
            manager.install(PACKAGES[name][manager.name], report)


def program(name: str) -> str:
    """Return the path of a program; fail the test without it, because a skipped test looks like a passed one."""
    path = find(name)
    if path is None:
        pytest.fail(f"this test runs {name}, which is not installed: {package_managers.instructions([PACKAGES[name]])}")
    return path
