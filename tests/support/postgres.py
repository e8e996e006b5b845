"""A private PostgreSQL for the tests of the gateway."""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.programs import program
from wxbus_local.servers.ports import free_port

UNPRIVILEGED: Final = ("postgres", "nobody")
"""PostgreSQL refuses to run as root."""


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the address of a new PostgreSQL, whose databases are gone afterwards."""
    # The programs of the server are in one folder; a machine with a client of PostgreSQL only has none of them.
    tools = Path(program("initdb")).resolve().parent
    with TemporaryDirectory(prefix="wxbus-pg-") as folder:
        as_user = _user(Path(folder))
        data, port = f"{folder}/data", free_port()
        flags = ("--no-sync", "--auth=trust", "--username=wxbus", f"--pgdata={data}")
        subprocess.run([tools / "initdb", *flags], check=True, capture_output=True, cwd=folder, **as_user)
        options = ["-p", str(port), "-k", folder, "-h", "127.0.0.1", "-c", "fsync=off"]
        server = subprocess.Popen(
            [tools / "postgres", "-D", data, *options],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,
        )
        try:
            ready: list[Path | str] = [tools / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
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
