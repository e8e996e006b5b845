"""What `make` finds out with Python alone, before anything is installed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.readme import ROOT
from wxbus_local.install import server_programs
from wxbus_local.install.dependencies import follow, teller


def check(path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The check as `make` runs it, without the packages of the virtual environment, with programs of `path` only."""
    environment = {"PATH": str(path), "PYTHONPATH": str(ROOT / "deploy/local/src"), **variables}
    command = [sys.executable, "-S", "-m", "wxbus_local.install.server_programs"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def programs(folder: Path, *names: str, says: int = 0) -> Path:
    """A folder of programs that end with a code."""
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\nexit {says}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_without_a_way_to_the_servers_both_are_named_in_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's root, no Docker, no programs: nothing has been installed yet, and what to type is one command."""
    monkeypatch.setenv("PATH", str(programs(tmp_path, "apt-get", "docker", says=1)))
    for variable in ("WXBUS_AMQP_URL", "WXBUS_REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("RABBITMQ", "REDIS"):
        monkeypatch.setattr(server_programs, name, replace(getattr(server_programs, name), first=(), last=()))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert "`sudo apt-get install rabbitmq-server redis-server`" in str(server_programs.main())


def test_what_is_missing_is_named_in_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both servers, by the package manager's names for them, with the variables of running ones."""
    monkeypatch.setenv("PATH", str(programs(tmp_path, "apt-get")))

    text = server_programs.advice([server_programs.RABBITMQ, server_programs.REDIS])

    assert text.startswith("RabbitMQ and Redis are needed: type `sudo apt-get install rabbitmq-server redis-server`")
    assert "WXBUS_AMQP_URL and WXBUS_REDIS_URL" in text


@pytest.mark.parametrize("way", ["addresses", "docker"])
def test_one_way_to_both_is_enough(tmp_path: Path, way: str) -> None:
    """Servers that are named, or a Docker engine that answers."""
    addresses = {"WXBUS_AMQP_URL": "amqp://host", "WXBUS_REDIS_URL": "redis://host"} if way == "addresses" else {}
    if way == "docker":
        programs(tmp_path, "docker")

    assert check(tmp_path, **addresses).returncode == 0


def test_make_checks_servers_before_it_installs() -> None:
    """Whoever lacks them waits for nothing; what needs no server asks for none."""
    for target in ("run", "demo", "test"):
        assert plan(target).index("wxbus_local.install.server_programs") < plan(target).index(
            "wxbus_local.install.dependencies"
        )
    assert "wxbus_local.install.server_programs" not in plan("unit")


def plan(target: str) -> str:
    """The commands that make would run for a target in a fresh checkout."""
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=True)
    return done.stdout


PIP = [
    "Collecting aiohttp==3.14 (from -r locks/dev.txt (line 7))\n",
    "  Downloading aiohttp-3.14.whl (1.7 MB)\n",
    "Processing /wheels/yarl-1.20-py3-none-any.whl (from -r locks/dev.txt (line 9))\n",
    "Installing collected packages: yarl, aiohttp\n",
]


def test_progress_of_pip_is_a_count() -> None:
    """Minutes without a word look like a hang."""
    told: list[str] = []

    follow(PIP, total=2, tell=lambda _, text: told.append(text))

    assert told == ["1 of about 2: aiohttp", "2 of about 2: yarl", "unpacking 2 packages"]


def test_in_a_log_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """A log is no terminal: no escape codes, not a line for each package."""
    tell = teller(terminal=False)
    for count in range(1, 26):
        tell(count, f"{count} of about 25")

    assert capsys.readouterr().out == "  10 of about 25\n  20 of about 25\n"
