"""Installing by the package manager: nothing is started, nothing stays enabled."""

import os
from pathlib import Path

import pytest

from wxbus_local.install.package_managers import Manager


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that write down how they were called."""
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
    """What was called, questions aside."""
    return [line for line in (machine / "calls").read_text().splitlines() if "is-enabled" not in line]


def test_a_package_may_not_start_its_service_and_it_is_not_enabled_either(machine: Path) -> None:
    """Neither now nor at the next boot does a server appear on a standard port; the rule is taken away again."""
    policy = machine / "policy-rc.d"
    said: list[str] = []

    assert Manager("apt", policy=policy).install("redis-server", said.append)

    assert "exit 101" in (machine / "policy-seen").read_text()
    assert not policy.exists()
    assert calls(machine)[-1] == "systemctl --quiet disable redis-server.service"
    assert said == ["installing redis-server with apt-get (no system service is started or enabled)"]


def test_a_rule_of_the_system_is_left_as_it_is(machine: Path) -> None:
    """Where a policy-rc.d is in place already it decides, and stays."""
    policy = machine / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")

    Manager("apt", policy=policy).install("redis-server", lambda _: None)

    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_service_that_was_enabled_before_stays_so(machine: Path) -> None:
    """What the system's owner wants running is not ours to disable."""
    (machine / "installed").touch()

    Manager("apt", policy=machine / "policy-rc.d").install("redis-server", lambda _: None)

    assert not any("disable" in call for call in calls(machine))
