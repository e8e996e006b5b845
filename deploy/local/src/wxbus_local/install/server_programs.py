"""Whether this machine can have RabbitMQ and Redis; checked before anything is installed, so with Python alone.

`python3 -m wxbus_local.install.server_programs` is the check that `make` runs before it makes the virtual environment.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from wxbus_local.install import package_managers

DOCKER_TIMEOUT = 10
"""Seconds in which a Docker engine has to answer."""


@dataclass(frozen=True)
class Need:
    """A server we need: the program, and where it is beside the path."""

    name: str
    variable: str
    """Holds the address of one that runs already."""
    executable: str
    first: tuple[str, ...]
    """Folders that are looked into before the path."""
    last: tuple[str, ...]
    """Folders that are looked into after the path."""
    packages: "dict[str, str]"
    """What it is called by each package manager."""

    def program(self) -> "str | None":
        """Return the path of the program on this machine."""
        places = [*self.first, None, *self.last]
        return next((found for place in places if (found := shutil.which(self.executable, path=place))), None)


RABBITMQ = Need(
    name="RabbitMQ",
    variable="WXBUS_AMQP_URL",
    executable="rabbitmq-server",
    first=(
        "/usr/lib/rabbitmq/bin",  # Debian, Fedora: the one on the path changes to user rabbitmq, which needs root
        "/opt/homebrew/opt/rabbitmq/sbin",
        "/usr/local/opt/rabbitmq/sbin",
    ),
    last=(),
    packages={"apt": "rabbitmq-server", "brew": "rabbitmq"},
)
REDIS = Need(
    name="Redis",
    variable="WXBUS_REDIS_URL",
    executable="redis-server",
    first=(),
    last=("/opt/homebrew/bin", "/usr/local/bin"),
    packages={"apt": "redis-server", "brew": "redis"},
)


def missing() -> "list[Need]":
    """Return the servers that have no address in the environment and no program on this machine."""
    return [need for need in (RABBITMQ, REDIS) if not os.environ.get(need.variable) and need.program() is None]


def advice(needs: "Iterable[Need]") -> str:
    """Return what is needed, and one command to type for all of it."""
    wanted = list(needs)
    names = " and ".join(need.name for need in wanted)
    verb = "are" if len(wanted) > 1 else "is"
    variables = " and ".join(need.variable for need in wanted)
    command = package_managers.advice([need.packages for need in wanted])
    return f"{names} {verb} needed: {command}; or start Docker; or set {variables} to servers that run already"


def has_docker() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return bool(os.environ.get("DOCKER_HOST"))
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=DOCKER_TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main() -> "str | None":
    """Return None if there is a way to both servers, else what to do."""
    lacking = missing()
    if not lacking or package_managers.manager() or has_docker():
        return None
    return advice(lacking)


if __name__ == "__main__":
    sys.exit(main())
