"""A Redis of our own: AOF on, nothing evicted, as the services demand it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wxbus_local.processes.run import Run
from wxbus_local.servers import probes
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.private import PrivateServer

OPTIONS = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--save", "")


class PrivateRedis(PrivateServer):
    """A `redis-server` process."""

    name = "Redis"

    def __init__(self, run: Run, folder: Path, executable: str) -> None:
        super().__init__(run, folder)
        self._executable = executable
        self._port = free_port()

    @property
    def program(self) -> str:
        """Return the program's path."""
        return self._executable

    @property
    def url(self) -> str:
        """Return its address."""
        return f"redis://127.0.0.1:{self._port}/0"

    def command(self) -> Sequence[str]:
        """Return the command: everything is said by options, no configuration file of the system is read."""
        where = ("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self.folder))
        # A title of its own would overwrite the environment that the guard looks for.
        return (self._executable, *where, *OPTIONS, "--daemonize", "no", "--set-proc-title", "no")

    def environment(self) -> Mapping[str, str]:
        """Return nothing: options say it all."""
        return {}

    def probe(self) -> str | None:
        """Return None if it answers a PING."""
        return probes.resp(self.url)
