"""The tutorial's bot and its tests work as the page shows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.readme import README, ROOT, blocks
from tests.support.tutorial import TUTORIAL, bot_of, checks_of, sent_texts
from wxbus_worker.testing import HandlerClient


def test_the_test_command_passes(tmp_path: Path) -> None:
    """`bot.py` and `test_bot.py`, saved as shown, pass with the command of the page."""
    (tmp_path / "bot.py").write_text(bot_of(TUTORIAL), encoding="utf-8")
    (tmp_path / "test_bot.py").write_text(checks_of(TUTORIAL), encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (command,) = [block for block in blocks(TUTORIAL, "sh") if "pytest" in block]
    arguments = re.fullmatch(r"\.venv/bin/python (.*)\n", command)
    assert arguments

    done = subprocess.run([sys.executable, *arguments[1].split()], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == 0, done.stdout.decode()


async def test_the_replies_are_those_of_the_page() -> None:
    """Each text that the page sends gets the reply below it."""
    namespace: dict[str, object] = {"__name__": "bot"}
    exec(compile(bot_of(TUTORIAL), "bot.py", "exec"), namespace)  # noqa: S102 - our own page
    client = HandlerClient(namespace["router"], raise_errors=False)  # type: ignore[arg-type]

    for text, shown in sent_texts(TUTORIAL):
        result = await client.text(text)
        if result.outcome == "retried":
            result = await client.retry()
        assert result.texts == [shown]


def test_the_first_commands_are_those_of_the_readme() -> None:
    """Starting wxbus and sending a first message is the same as in the README, where it is tested."""
    assert {*blocks(TUTORIAL, "sh")[:2]} <= {*blocks(README, "sh")}
