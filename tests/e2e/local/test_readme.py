"""The README's first handler, saved and run as the README says."""

import re
from pathlib import Path

import pytest

from tests.e2e.local.runner import running, send
from tests.support.readme import README, the_block

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_the_first_handler_answers_as_the_readme_says(settings: dict[str, str], tmp_path: Path) -> None:
    """A reader who types what stands there gets what it says."""
    (tmp_path / "hello.py").write_text(the_block(README, "python", "Router"), encoding="utf-8")
    command = re.fullmatch(r"WXBUS_WORKER_APP=(\S+) make run\n", the_block(README, "sh", "WXBUS_WORKER_APP="))
    typed = re.fullmatch(r"\.venv/bin/python -m wxbus_sandbox send (.*)\n", the_block(README, "sh", "wxbus_sandbox"))
    assert command
    assert typed

    with running({**settings, "WXBUS_WORKER_APP": command[1]}, cwd=tmp_path) as runner:
        sandbox = runner.wait_ready()

        assert send(sandbox, *typed[1].split()).startswith("1. hello\n")
        assert send(sandbox, *typed[1].split()).startswith("2. hello\n")
