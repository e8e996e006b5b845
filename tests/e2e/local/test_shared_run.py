"""`make run` with the README's first handler: started once, used by all tests, ended with Ctrl-C by the last."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.e2e.local.conftest import settings_for
from tests.e2e.local.run_command import RunCommand, environment, running, send
from tests.support.readme import README, the_block
from tests.support.tutorial import TUTORIAL, bot_of, sent_texts
from wxbus_local.servers.launcher import Servers
from wxbus_local.servers.ports import free_port
from wxbus_sandbox.__main__ import cli

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.xdist_group("shared_run")]

WAIT = ("--wait", "60")
"""Seconds for a reply of a busy machine."""
BY_ANOTHER_USER = ("text", "hello", "--openid", "oAnotherUser000000000000001", *WAIT)


@dataclass(frozen=True)
class SharedRun:
    """The running command."""

    command: RunCommand
    settings: dict[str, str]
    folder: Path
    sandbox_url: str

    def sandbox(self, command: str, *arguments: str) -> str:
        """Run a command of `wxbus_sandbox` in this process, and return its output."""
        done = CliRunner().invoke(cli, [command, "--url", self.sandbox_url, *arguments])
        assert done.exit_code == 0, done.output
        return done.output


@pytest.fixture(scope="module")
def shared(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedRun]:
    """Return the command, ready, with a set port, a misspelt variable and one without effect."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "hello.py").write_text(the_block(README, "python", "Router"), encoding="utf-8")
    command = re.fullmatch(r"WXBUS_WORKER_APP=(\S+) make run\n", the_block(README, "sh", "WXBUS_WORKER_APP="))
    assert command
    with settings_for(servers, folder) as settings:
        settings |= {"WXBUS_WORKER_APP": command[1], "WXBUS_LOCAL_WORKERS": "1", "WXBUS_INGRESS_PORT": str(free_port())}
        settings |= {"WXBUS_SANDBOX_PUSH_SPACING": "0.2", "WXBUS_SANDBOX_PUSH_TIMEOUT": "60"}
        mistakes = {"WXBUS_ACOUNTS_FILE": "x", "WXBUS_INGRESS_HOST": "::"}
        with running(settings | mistakes, cwd=folder) as run:
            yield SharedRun(run, settings, folder, run.wait_ready())


def test_the_first_handler_answers_as_the_readme_says(shared: SharedRun) -> None:
    """The README's handler and commands give the replies that the README shows."""
    typed = re.fullmatch(r"\.venv/bin/python -m wxbus_sandbox send (.*)\n", the_block(README, "sh", "wxbus_sandbox"))
    assert typed

    assert send(shared.sandbox_url, *typed[1].split(), *WAIT).startswith("1. hello\n")
    assert shared.sandbox("send", *typed[1].split(), *WAIT).startswith("2. hello\n")


def test_the_output_shows_a_messages_way(shared: SharedRun) -> None:
    """The services' log entries are printed while the command runs."""
    shared.sandbox("send", *BY_ANOTHER_USER)

    shared.command.wait_for(r"ingress +callback\.accepted +account=shop")
    shared.command.wait_for(r"worker\.1 +reply\.sent")


def test_variables_without_effect_are_reported_once(shared: SharedRun) -> None:
    """Misspelt variables and those that the command sets itself are warnings; a set port is used."""
    output = shared.command.output

    assert output.count("WXBUS_ACOUNTS_FILE") == 1
    assert "did you mean WXBUS_ACCOUNTS_FILE?" in output
    assert "WXBUS_INGRESS_HOST is set, but has no effect" in output
    assert f"http://127.0.0.1:{shared.settings['WXBUS_INGRESS_PORT']} " in output


def test_a_second_run_cannot_use_the_same_folder(shared: SharedRun) -> None:
    """Two servers must not use the same data: the second run exits and names the variable to set."""
    with running(shared.settings, cwd=shared.folder) as second:
        assert second.wait() == 1
        assert "WXBUS_LOCAL_DATA" in second.output


def test_the_env_file_has_all_that_commands_need(shared: SharedRun) -> None:
    """After `. .local/env` the commands work; only this user can read the file."""
    file = shared.folder / "data/env"
    assert file.stat().st_mode & 0o077 == 0
    commands = (
        "wxbus_token status",
        "wxbus_worker dead list",
        f"wxbus_sandbox send {' '.join(BY_ANOTHER_USER)}",
    )
    script = " && ".join([f". {file}", *(f"{sys.executable} -m {command}" for command in commands)])

    done = subprocess.run(
        ["sh", "-c", script], env=environment(), capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_promises_hold_on_a_bad_day(shared: SharedRun) -> None:
    """No reply is lost, repeated or out of order while WeChat is busy, slow and closes connections.

    Its callbacks come three times, late, with a wrong clock, and its tokens become invalid.
    """
    troubles = {"busy": 0.2, "slow": 0.2, "closed": 0.02, "tokens": 0.05, "repeats": 0.2, "disorder": 0.2, "clock": 0.5}
    shares = [f"{name}={share}" for name, share in troubles.items()]
    shared.sandbox("bad-day", *shares, "--seed", "14", "--seconds", "0.3")
    try:
        report = json.loads(
            shared.sandbox("load", "--rate", "30", "--users", "15", "--seconds", "2", "--wait", "120", "--json")
        )
    finally:
        happened = shared.sandbox("bad-day", "--off")
    assert (report["sent"], report["replied"], report["broken"]) == (60, 60, [])
    assert not re.search(r"(busy|slow|tokens|repeats|disorder|clock) .* came 0 times", happened), happened


def test_changed_handlers_are_reloaded(shared: SharedRun) -> None:
    """A saved change takes effect without a restart of the command."""
    handlers = shared.folder / "hello.py"
    start = len(shared.command.output)

    handlers.write_text(handlers.read_text(encoding="utf-8").replace("{number}. ", "changed: "), encoding="utf-8")

    reloading = shared.command.wait_for(r"reload\.changed", start=start)
    shared.command.wait_for(r"worker\.started", start=reloading.end())
    assert "changed: hello" in shared.sandbox("send", *BY_ANOTHER_USER)


def test_the_tutorials_bot_answers_as_the_tutorial_says(shared: SharedRun) -> None:
    """The tutorial's handlers and commands give the replies that the tutorial shows."""
    start = len(shared.command.output)

    (shared.folder / "hello.py").write_text(bot_of(TUTORIAL), encoding="utf-8")

    reloading = shared.command.wait_for(r"reload\.changed", start=start)
    shared.command.wait_for(r"worker\.started", start=reloading.end())
    for text, shown in sent_texts(TUTORIAL):
        assert shared.sandbox("send", "text", text, *WAIT).startswith(f"{shown}\n")


def test_ctrl_c_ends_all_processes(shared: SharedRun) -> None:
    """After Ctrl-C the exit code is 0, and neither a process nor the file of variables is left."""
    shared.command.process.send_signal(signal.SIGINT)

    assert shared.command.wait() == 0, shared.command.output
    assert shared.command.remaining() == []
    assert not (shared.folder / "data/env").exists()
