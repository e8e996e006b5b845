"""The tutorial as data: its bot, its tests, and the messages it sends with their replies."""

import re
from pathlib import Path

from tests.support.readme import ROOT, blocks

TUTORIAL = ROOT / "docs/tutorial/first-bot.md"


def bot_of(page: Path) -> str:
    """Return `bot.py` with all handlers of the page."""
    return "\n\n".join(blocks(page, "python")[:-1])


def checks_of(page: Path) -> str:
    """Return `test_bot.py`."""
    return blocks(page, "python")[-1]


def sent_texts(page: Path) -> list[tuple[str, str]]:
    """Return each text that the page sends, with the reply that it shows."""
    pattern = r"```sh\n\S+ -m wxbus_sandbox send text (?P<text>.*)\n```\n\n```text\n(?P<reply>.*)\n```"
    found = re.finditer(pattern, page.read_text(encoding="utf-8"))
    return [(match["text"].strip("'"), match["reply"]) for match in found]
