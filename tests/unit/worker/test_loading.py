"""Finding the router to run, and saying what is wrong if it cannot be found."""

from pathlib import Path

import pytest

from wxbus.errors import ConfigurationError
from wxbus_worker.loading import load_router


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of bots of this test's own."""
    monkeypatch.setattr("sys.path", ["/nowhere"])
    head = "from wxbus_worker import Router\n"
    good = head + "router = Router()\nother = 1\n@router.text\nasync def handle() -> None: ...\n"
    (tmp_path / "goodbot.py").write_text(good)
    (tmp_path / "wrongbot.py").write_text(
        head + "router = Router()\n@router.text\nasync def handle(x: int) -> None: ...\n"
    )
    (tmp_path / "brokenbot.py").write_text("import no_such_library\n")
    (tmp_path / "syntaxbot.py").write_text("def\n")
    return tmp_path


def test_a_router_is_found_by_its_name(modules: Path) -> None:
    """`module:name`, looked for in the directory given."""
    assert load_router("goodbot:router", app_dir=str(modules)).name == "router"


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("", "name the router to run as package.module:name"),
        ("goodbot", "name the router to run as package.module:name"),
        ("goodbot:", "name the router to run as package.module:name"),
        ("nobot:router", "there is no module nobot in"),
        ("goodbot.handlers:router", "importing goodbot.handlers failed|there is no module goodbot.handlers"),
        ("brokenbot:router", "importing brokenbot failed: ModuleNotFoundError: No module named 'no_such_library'"),
        ("syntaxbot:router", "importing syntaxbot failed: SyntaxError"),
        ("goodbot:rooter", "rooter does not exist in module goodbot; it has router"),
        ("goodbot:other", "other is no Router in module goodbot; it has router"),
        ("wrongbot:router", "wrongbot.handle: parameter 'x' is annotated int"),
    ],
)
def test_what_is_wrong_is_named(modules: Path, app: str, text: str) -> None:
    """One line says which part of the name, or which line of the bot, is at fault."""
    with pytest.raises(ConfigurationError, match=text):
        load_router(app, app_dir=str(modules))
