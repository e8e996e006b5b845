"""Packages are installed without starting or enabling their services."""

import os
from pathlib import Path

import pytest

from wxbus_local.install.package_managers import PackageManager


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose apt-get and systemctl record their calls."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (programs / "apt-get").write_text(
        f'#!/bin/sh\necho "apt-get $*" >> {tmp_path}/calls\n'
        f"cat {tmp_path}/policy-rc.d >> {tmp_path}/policy-seen 2>/dev/null\n"
        f'case "$*" in *install*) touch {tmp_path}/installed;; esac\n'
    )
    (programs / "systemctl").write_text(
        f'#!/bin/sh\necho "systemctl $*" >> {tmp_path}/calls\n'
        f'case "$*" in *is-enabled*redis-server*) test -e {tmp_path}/installed;; *is-enabled*) false;; esac\n'
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    return tmp_path


def calls(machine: Path) -> list[str]:
    """Return the calls that change the machine."""
    return [line for line in (machine / "calls").read_text().splitlines() if "is-enabled" not in line]


def test_a_package_can_neither_start_nor_enable_its_service(machine: Path) -> None:
    """A policy forbids the start during the installation, and a newly enabled service is disabled."""
    policy = machine / "policy-rc.d"
    reports: list[str] = []

    assert PackageManager("apt", policy=policy).install("redis-server", reports.append)

    assert "exit 101" in (machine / "policy-seen").read_text()
    assert not policy.exists()
    assert calls(machine)[-1] == "systemctl --quiet disable redis-server.service"
    assert reports == ["installing redis-server with apt-get (no system service is started or enabled)"]


def test_a_policy_of_the_system_is_kept(machine: Path) -> None:
    """An existing policy-rc.d decides, and is not changed."""
    policy = machine / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")

    PackageManager("apt", policy=policy).install("redis-server", lambda _: None)

    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_service_that_was_enabled_stays_enabled(machine: Path) -> None:
    """Only services that the installation enabled are disabled."""
    (machine / "installed").touch()

    PackageManager("apt", policy=machine / "policy-rc.d").install("redis-server", lambda _: None)

    assert not any("disable" in call for call in calls(machine))
