"""Server programs from the system's package manager, without the servers that such packages like to start."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program before a package starts a service; 101 says no."""

LAST_LINES = 12

UNITS = ("rabbitmq-server.service", "redis-server.service", "epmd.service", "epmd.socket")


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager that this user may run."""

    name: str
    prefix: Sequence[str] = ()
    """`sudo`, or nothing."""
    policy: Path = POLICY

    def install(self, package: str, say: Callable[[str], None]) -> bool:
        """Install one package, saying so first; return whether it worked."""
        if self.name == "brew":
            say(f"installing {package} with brew (no service is started)")
            return self._call("brew", "install", package)
        say(f"installing {package} with apt-get (no system service is started or enabled)")
        before = self._enabled()
        with self._no_services():
            environment = ("env", "DEBIAN_FRONTEND=noninteractive")
            apt = (*environment, "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0")
            self._call(*apt, "update")
            worked = self._call(*apt, "install", "--yes", "--no-install-recommends", package)
        for unit in self._enabled() - before:
            self._call("systemctl", "--quiet", "disable", unit)
        return worked

    def _call(self, *command: str) -> bool:
        """Run a command; show what it said only if it fails."""
        done = subprocess.run(
            [*self.prefix, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-LAST_LINES:]), file=sys.stderr)
        return done.returncode == 0

    def _enabled(self) -> set[str]:
        if shutil.which("systemctl") is None:
            return set()
        return {unit for unit in UNITS if _quiet("systemctl", "is-enabled", unit) == 0}

    @contextmanager
    def _no_services(self) -> Iterator[None]:
        """Keep packages from starting services while the block runs, unless the system has its own rule."""
        if self.policy.exists():
            yield
            return
        script = f"printf '#!/bin/sh\\nexit 101\\n' > {self.policy} && chmod 755 {self.policy}"
        self._call("sh", "-c", script)
        try:
            yield
        finally:
            self._call("rm", "-f", str(self.policy))


def manager() -> Manager | None:
    """Return the package manager this user may install with, or None."""
    if shutil.which("apt-get"):
        if os.geteuid() == 0:
            return Manager("apt")
        if shutil.which("sudo") and (sys.stdin.isatty() or _quiet("sudo", "-n", "true") == 0):
            return Manager("apt", ("sudo",))
        return None
    return Manager("brew") if shutil.which("brew") else None


def advice(wanted: Sequence[Mapping[str, str]]) -> str:
    """Return what the user can type or do to have the packages here; each is a name by package manager."""
    if shutil.which("apt-get"):
        return f"type `sudo apt-get install {' '.join(one['apt'] for one in wanted)}`"
    if shutil.which("brew"):
        return f"type `brew install {' '.join(one['brew'] for one in wanted)}`"
    return f"install {' and '.join(one['apt'] for one in wanted)}"


def _quiet(*command: str) -> int:
    return subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False
    ).returncode
