"""A private Redis with AOF on and without eviction, as the services require."""

from collections.abc import Sequence
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
        super().__init__(run, folder, executable)
        self._port = free_port()

    @property
    def url(self) -> str:
        """Return the address."""
        return f"redis://127.0.0.1:{self._port}/0"

    def command(self) -> Sequence[str]:
        """Return the command; it has all options, so Redis reads no configuration file."""
        location = ("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self.folder))
        # Setting the process title would overwrite the environment, in which the guard looks for the run's id.
        return (self.executable, *location, *OPTIONS, "--daemonize", "no", "--set-proc-title", "no")

    def probe(self) -> str | None:
        """Return None if Redis answers a PING, else the reason."""
        return probes.redis_ping(self.url)
