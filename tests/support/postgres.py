"""A private PostgreSQL for the tests of the gateway."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.programs import program
from wxbus_local.servers.ports import free_port

DEBIAN: Final = "/usr/lib/postgresql"
"""Debian's package keeps the programs of each version in a folder of its own, outside of PATH."""
UNPRIVILEGED: Final = ("postgres", "nobody")
"""PostgreSQL refuses to run as root."""


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the address of a new PostgreSQL, whose databases are gone afterwards."""
    with TemporaryDirectory(prefix="wxbus-pg-") as folder:
        as_user = _user(Path(folder))
        data, port = f"{folder}/data", free_port()
        initialise = [_tool("initdb"), "--no-sync", "--auth=trust", "--username=wxbus", f"--pgdata={data}"]
        subprocess.run(initialise, check=True, capture_output=True, cwd=folder, **as_user)
        options = ["-p", str(port), "-k", folder, "-h", "127.0.0.1", "-c", "fsync=off"]
        server = subprocess.Popen(
            [_tool("postgres"), "-D", data, *options],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,
        )
        try:
            ready = [_tool("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
            while subprocess.run(ready, check=False, capture_output=True).returncode:
                assert server.poll() is None, "PostgreSQL has ended"
            yield f"postgresql://wxbus@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait()


def _user(folder: Path) -> Mapping[str, Any]:
    """Return how to start a program in `folder` that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise AssertionError("no user to run PostgreSQL as")


def _tool(name: str) -> str:
    versions = sorted(Path(DEBIAN).glob("*"), key=lambda path: float(path.name), reverse=True)
    found = next((str(path) for path in (version / "bin" / name for version in versions) if path.exists()), None)
    return found or shutil.which(name) or program("pg_isready")
