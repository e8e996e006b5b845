"""What `make` checks and prints with the standard library alone, before anything is installed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.readme import ROOT
from wxbus_local.install import server_programs
from wxbus_local.install.dependencies import follow, progress_printer


def check(path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the check as `make` does, without installed packages, with the programs of `path` only."""
    environment = {"PATH": str(path), "PYTHONPATH": str(ROOT / "deploy/local/src"), **variables}
    command = [sys.executable, "-S", "-m", "wxbus_local.install.server_programs"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def programs(folder: Path, *names: str, exit_code: int = 0) -> Path:
    """Create programs that end with a code; return their folder."""
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\nexit {exit_code}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_without_any_way_one_command_names_both_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root, Docker and programs the check says what to type, before anything is installed."""
    monkeypatch.setenv("PATH", str(programs(tmp_path, "apt-get", "docker", exit_code=1)))
    for variable in ("WXBUS_AMQP_URL", "WXBUS_REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("RABBITMQ", "REDIS"):
        program = replace(getattr(server_programs, name), before_path=(), after_path=())
        monkeypatch.setattr(server_programs, name, program)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert "`sudo apt-get install rabbitmq-server redis-server`" in str(server_programs.main())


def test_instructions_have_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command has the package manager's names of both servers; the variables for running servers follow."""
    monkeypatch.setenv("PATH", str(programs(tmp_path, "apt-get")))

    text = server_programs.instructions([server_programs.RABBITMQ, server_programs.REDIS])

    assert text.startswith("RabbitMQ and Redis are needed: type `sudo apt-get install rabbitmq-server redis-server`")
    assert "WXBUS_AMQP_URL and WXBUS_REDIS_URL" in text


@pytest.mark.parametrize("way", ["addresses", "docker"])
def test_one_way_to_both_servers_is_enough(tmp_path: Path, way: str) -> None:
    """Given addresses suffice, and so does a Docker engine that answers."""
    addresses = {"WXBUS_AMQP_URL": "amqp://host", "WXBUS_REDIS_URL": "redis://host"} if way == "addresses" else {}
    if way == "docker":
        programs(tmp_path, "docker")

    assert check(tmp_path, **addresses).returncode == 0


def test_make_checks_servers_before_it_installs() -> None:
    """A missing server is reported before the installation; `make unit` needs no server."""
    for target in ("run", "demo", "test"):
        assert dry_run(target).index("wxbus_local.install.server_programs") < dry_run(target).index(
            "wxbus_local.install.dependencies"
        )
    assert "wxbus_local.install.server_programs" not in dry_run("unit")


def dry_run(target: str) -> str:
    """Return the commands that make would run for a target in a fresh checkout."""
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=True)
    return done.stdout


PIP = [
    "Collecting aiohttp==3.14 (from -r locks/dev.txt (line 7))\n",
    "  Downloading aiohttp-3.14.whl (1.7 MB)\n",
    "Processing /wheels/yarl-1.20-py3-none-any.whl (from -r locks/dev.txt (line 9))\n",
    "Installing collected packages: yarl, aiohttp\n",
]


def test_progress_of_pip_is_counted() -> None:
    """Each fetched package counts; unpacking is reported, too."""
    texts: list[str] = []

    follow(PIP, total=2, progress=lambda _, text: texts.append(text))

    assert texts == ["1 of about 2: aiohttp", "2 of about 2: yarl", "unpacking 2 packages"]


def test_a_log_gets_every_tenth_line_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there are no escape codes and not a line for each package."""
    progress = progress_printer(terminal=False)
    for count in range(1, 26):
        progress(count, f"{count} of about 25")

    assert capsys.readouterr().out == "  10 of about 25\n  20 of about 25\n"
