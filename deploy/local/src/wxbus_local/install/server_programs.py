"""Checks whether this machine can provide RabbitMQ and Redis: `python3 -m wxbus_local.install.server_programs`.

`make` runs it before it creates the virtual environment, so it needs only the standard library.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wxbus_local.install import package_managers

DOCKER_TIMEOUT = 10
"""Seconds in which a Docker engine must answer."""


@dataclass(frozen=True)
class ServerProgram:
    """A server's program and the ways to install it."""

    name: str
    variable: str
    """The environment variable with the address of a running server."""
    executable: str
    packages: Mapping[str, str] = field(default_factory=dict)
    """The package's name, by package manager."""
    before_path: Sequence[str] = ()
    """Folders to search before PATH."""
    after_path: Sequence[str] = ()
    """Folders to search after PATH."""

    def find(self) -> str | None:
        """Return the path of the program on this machine."""
        folders = [*self.before_path, None, *self.after_path]
        return next((path for folder in folders if (path := shutil.which(self.executable, path=folder))), None)


RABBITMQ = ServerProgram(
    name="RabbitMQ",
    variable="WXBUS_AMQP_URL",
    executable="rabbitmq-server",
    packages={"apt": "rabbitmq-server", "brew": "rabbitmq"},
    before_path=(
        "/usr/lib/rabbitmq/bin",  # Debian, Fedora: the script on PATH switches to the user rabbitmq, which needs root
        "/opt/homebrew/opt/rabbitmq/sbin",
        "/usr/local/opt/rabbitmq/sbin",
    ),
)
REDIS = ServerProgram(
    name="Redis",
    variable="WXBUS_REDIS_URL",
    executable="redis-server",
    packages={"apt": "redis-server", "brew": "redis"},
    after_path=("/opt/homebrew/bin", "/usr/local/bin"),
)


def missing() -> list[ServerProgram]:
    """Return the servers that have neither an address in the environment nor a program on this machine."""
    return [program for program in (RABBITMQ, REDIS) if not os.environ.get(program.variable) and program.find() is None]


def instructions(programs: Sequence[ServerProgram]) -> str:
    """Return one sentence on how to get these servers."""
    names = " and ".join(program.name for program in programs)
    verb = "are" if len(programs) > 1 else "is"
    variables = " and ".join(program.variable for program in programs)
    command = package_managers.instructions([program.packages for program in programs])
    return f"{names} {verb} needed: {command}; or start Docker; or set {variables} to running servers"


def docker_answers() -> bool:
    """Return whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return bool(os.environ.get("DOCKER_HOST"))
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=DOCKER_TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main() -> str | None:
    """Return None if both servers are available, else the instructions."""
    programs = missing()
    if not programs or package_managers.available() or docker_answers():
        return None
    return instructions(programs)


if __name__ == "__main__":
    sys.exit(main())
