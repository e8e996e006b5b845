"""The tutorial's bot and its tests work as the page shows."""

import sys
import types
from collections.abc import Iterator

import pytest

from tests.support.readme import README, blocks
from tests.support.tutorial import TUTORIAL, bot_of, checks_of, sent_texts
from wxbus_worker.testing import HandlerClient


@pytest.fixture
def bot() -> Iterator[types.ModuleType]:
    """Import `bot.py` of the page."""
    module = sys.modules["bot"] = types.ModuleType("bot")
    exec(compile(bot_of(TUTORIAL), "bot.py", "exec"), vars(module))  # noqa: S102 - our own page
    yield module
    del sys.modules["bot"]


async def test_the_tests_of_the_page_pass(bot: types.ModuleType) -> None:
    """`test_bot.py` imports `bot.py`; the command of the page runs it."""
    tests: dict[str, object] = {}
    exec(compile(checks_of(TUTORIAL), "test_bot.py", "exec"), tests)  # noqa: S102 - our own page
    assert tests["router"] is bot.router

    found = [value for name, value in tests.items() if name.startswith("test_")]
    assert len(found) == 2
    for test in found:
        await test()  # type: ignore[operator]
    assert ".venv/bin/python -m pytest test_bot.py\n" in blocks(TUTORIAL, "sh")


async def test_the_replies_are_those_of_the_page(bot: types.ModuleType) -> None:
    """Each text that the page sends gets the reply below it."""
    client = HandlerClient(bot.router, raise_errors=False)

    for text, shown in sent_texts(TUTORIAL):
        result = await client.text(text)
        if result.outcome == "retried":
            result = await client.retry()
        assert result.texts == [shown]


def test_the_first_commands_are_those_of_the_readme() -> None:
    """Starting wxbus and sending a first message is the same as in the README, where it is tested."""
    assert {*blocks(TUTORIAL, "sh")[:2]} <= {*blocks(README, "sh")}
