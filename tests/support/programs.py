"""Programs that tests need, named with `@pytest.mark.programs("node")`."""

import shutil
from collections.abc import Callable, Iterable

import pytest

from wxbus_local.install import package_managers

PACKAGES = {
    "node": {"apt": "nodejs", "brew": "node"},
    "curl": {"apt": "curl", "brew": "curl"},
    "pg_isready": {"apt": "postgresql", "brew": "postgresql"},
    "redis-server": {"apt": "redis-server", "brew": "redis"},
}


def provide(names: Iterable[str], report: Callable[[str], None]) -> None:
    """Install missing programs with the package manager, if this user may."""
    missing = [name for name in names if shutil.which(name) is None]
    manager = package_managers.available() if missing else None
    for name in missing:
        if manager is not None:
            manager.install(PACKAGES[name][manager.name], report)


def program(name: str) -> str:
    """Return the path of a program; fail the test without it, because a skipped test looks like a passed one."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"this test runs {name}, which is not installed: {package_managers.instructions([PACKAGES[name]])}")
    return path
