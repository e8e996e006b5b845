"""Finding the handlers to run, and saying what is wrong if they cannot be found."""

from pathlib import Path

import pytest

from wxbus.errors import ConfigurationError
from wxbus_worker.handlers.loading import folder_of, load_router

HEAD = "from wxbus_worker import MessageHandler, Router\n"
MODULES = {
    "goodbot": HEAD
    + "router = Router()\nother = 1\n@router.text\nasync def handle() -> None: ...\n"
    + "class Shop(MessageHandler):\n    async def on_text(self) -> None: ...\n"
    + "shop = Shop()\n",
    "wrongbot": HEAD + "router = Router()\n@router.text\nasync def handle(x: int) -> None: ...\n",
    "wrongshop": HEAD
    + "class Wrong(MessageHandler):\n    async def on_text(self, x: int) -> None: ...\n"
    + "class Needy(MessageHandler):\n    def __init__(self, shelf: str) -> None: ...\n",
    "brokenbot": "import os\nimport no_such_library\n",
    "raisingbot": "def make():\n    return {}['key']\n\nrouter = make()\n",
    "endingbot": "raise SystemExit(3)\n",
    "syntaxbot": "x = 1\ndef handle(:\n",
    "site-packages/library": "raise RuntimeError('broken')\n",
    "usingbot": "import sys\nsys.path.append(__file__.replace('usingbot.py', 'site-packages'))\nimport library\n",
    "package/__init__": "",
    "package/handlers": HEAD + "router = Router()\n",
}


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of bots of this test's own."""
    monkeypatch.setattr("sys.path", ["/nowhere"])
    for name, source in MODULES.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return tmp_path


@pytest.mark.parametrize(("name", "router"), [("router", "router"), ("Shop", "Shop"), ("shop", "Shop")])
def test_handlers_are_found_by_their_name(modules: Path, name: str, router: str) -> None:
    """`module:name`, looked for in the directory given: a router, a class of handlers or an object of such a class."""
    assert load_router(f"goodbot:{name}", app_dir=str(modules)).name == router


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("", "WXBUS_WORKER_APP or --app must name the router to run"),
        ("goodbot", "name the router to run as package.module:name"),
        ("goodbot:", "name the router to run as package.module:name"),
        ("nobot:router", "there is no module nobot in"),
        ("goodbot.handlers:router", "there is no module goodbot.handlers in"),
        ("goodbot:rooter", "rooter does not exist in module goodbot; it has router, Shop, shop"),
        ("goodbot:other", "other is int, no Router and no MessageHandler, in module goodbot; it has router"),
        ("wrongshop:Wrong", "handler wrongshop.Wrong.on_text: parameter 'x' is annotated int; a handler can have Text"),
        ("wrongshop:Needy", "making a Needy failed: TypeError: .* missing 1 required positional argument: 'shelf'"),
    ],
)
def test_what_is_wrong_is_named(modules: Path, app: str, text: str) -> None:
    """One line says which part of the name is at fault, or which argument, and what would be right."""
    with pytest.raises(ConfigurationError, match=text):
        load_router(app, app_dir=str(modules))


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("brokenbot", "ModuleNotFoundError: No module named 'no_such_library'", "line 2: import no_such_library"),
        ("raisingbot", "KeyError: 'key'", "line 2: return {}['key']"),
        ("endingbot", "SystemExit: 3", "line 1: raise SystemExit(3)"),
        ("usingbot", "RuntimeError: broken", "line 3: import library"),
        ("syntaxbot", "SyntaxError: invalid syntax", "line 2: def handle(:"),
        ("wrongbot", "handler wrongbot.handle: parameter 'x' is annotated int; a handler", "line 3: @router.text"),
    ],
)
def test_a_module_that_cannot_be_imported_is_shown_where(modules: Path, name: str, text: str, line: str) -> None:
    """The error, and the line of the bot's own code that it comes from."""
    with pytest.raises(ConfigurationError) as caught:
        load_router(f"{name}:router", app_dir=str(modules))

    first, second = str(caught.value).splitlines()
    assert first.startswith(f"app '{name}:router': importing {name} failed: {text}")
    assert second == f"  {modules / name}.py, {line}"


@pytest.mark.parametrize(
    ("app", "folder"), [("package.handlers:router", "package"), ("goodbot:router", ""), ("nobot:router", "")]
)
def test_what_is_watched_is_the_package(modules: Path, app: str, folder: str) -> None:
    """All of the package that the handlers are in; modules that are in none lie beside each other."""
    assert folder_of(app, app_dir=str(modules)) == modules / folder
