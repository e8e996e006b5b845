"""Installs server programs with apt or brew, without starting the services in their packages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian runs this program before a package starts a service; exit code 101 forbids it."""
LAST_LINES = 12
UNITS = ("rabbitmq-server.service", "redis-server.service", "epmd.service", "epmd.socket")


@dataclass(frozen=True, slots=True)
class PackageManager:
    """A package manager that this user may run."""

    name: str
    prefix: Sequence[str] = ()
    """`sudo`, or nothing."""
    policy: Path = POLICY

    def install(self, package: str, report: Callable[[str], None]) -> bool:
        """Report and install one package; return whether it worked."""
        if self.name == "brew":
            report(f"installing {package} with brew (no service is started)")
            return self._run("brew", "install", package)
        report(f"installing {package} with apt-get (no system service is started or enabled)")
        enabled_before = _enabled_units()
        apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0")
        with self._services_forbidden():
            self._run(*apt, "update")
            installed = self._run(*apt, "install", "--yes", "--no-install-recommends", package)
        for unit in _enabled_units() - enabled_before:
            self._run("systemctl", "--quiet", "disable", unit)
        return installed

    def _run(self, *command: str) -> bool:
        """Run a command; print the end of its output only if it fails."""
        done = subprocess.run(
            [*self.prefix, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-LAST_LINES:]), file=sys.stderr)
        return done.returncode == 0

    @contextmanager
    def _services_forbidden(self) -> Iterator[None]:
        """Forbid packages to start services while the block runs, unless the system has a policy already."""
        if self.policy.exists():
            yield
            return
        self._run("sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' > {self.policy} && chmod 755 {self.policy}")
        try:
            yield
        finally:
            self._run("rm", "-f", str(self.policy))


def available() -> PackageManager | None:
    """Return the package manager that this user may install with."""
    if shutil.which("apt-get"):
        if os.geteuid() == 0:
            return PackageManager("apt")
        if shutil.which("sudo") and (sys.stdin.isatty() or _exit_code("sudo", "-n", "true") == 0):
            return PackageManager("apt", ("sudo",))
        return None
    return PackageManager("brew") if shutil.which("brew") else None


def instructions(packages: Sequence[Mapping[str, str]]) -> str:
    """Return the command to type for these packages, each given as its name by package manager."""
    if shutil.which("apt-get"):
        return f"type `sudo apt-get install {' '.join(names['apt'] for names in packages)}`"
    if shutil.which("brew"):
        return f"type `brew install {' '.join(names['brew'] for names in packages)}`"
    return f"install {' and '.join(names['apt'] for names in packages)}"


def _enabled_units() -> set[str]:
    if shutil.which("systemctl") is None:
        return set()
    return {unit for unit in UNITS if _exit_code("systemctl", "is-enabled", unit) == 0}


def _exit_code(*command: str) -> int:
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode
