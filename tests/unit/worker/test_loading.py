"""The worker imports the handlers that the setting names, and reports why it cannot."""

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
    """A directory with the bots."""
    monkeypatch.setattr("sys.path", ["/nowhere"])
    for name, source in MODULES.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return tmp_path


@pytest.mark.parametrize(("name", "router"), [("router", "router"), ("Shop", "Shop"), ("shop", "Shop")])
def test_handlers_are_loaded_by_name(modules: Path, name: str, router: str) -> None:
    """`module:name` in `app_dir` is a router, a class of handlers or an instance of one."""
    assert load_router(f"goodbot:{name}", app_dir=str(modules)).name == router


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("", "WXBUS_WORKER_APP or --app must name what to run"),
        ("goodbot", "must be package.module:name, such as mybot.handlers:router"),
        ("goodbot:", "must be package.module:name, such as mybot.handlers:router"),
        ("nobot:router", "module nobot is neither in .* nor installed"),
        ("goodbot.handlers:router", "module goodbot.handlers is neither in"),
        ("goodbot:rooter", "rooter does not exist in module goodbot; it has router, Shop, shop"),
        ("goodbot:other", "other is int, not a Router or a MessageHandler, in module goodbot; it has router"),
        ("wrongshop:Wrong", "handler wrongshop.Wrong.on_text: parameter 'x' is annotated int; a handler can take Text"),
        ("wrongshop:Needy", "creating Needy failed: TypeError: .* missing 1 required positional argument: 'shelf'"),
    ],
)
def test_a_wrong_name_is_reported(modules: Path, app: str, text: str) -> None:
    """One line names the wrong part or argument, and the alternatives."""
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
def test_an_import_error_shows_the_line_of_the_bot(modules: Path, name: str, text: str, line: str) -> None:
    """The second line of the error is the line of the bot's code that raised it, not one of a library."""
    with pytest.raises(ConfigurationError) as caught:
        load_router(f"{name}:router", app_dir=str(modules))

    first, second = str(caught.value).splitlines()
    assert first.startswith(f"app '{name}:router': importing {name} failed: {text}")
    assert second == f"  {modules / name}.py, {line}"


@pytest.mark.parametrize(
    ("app", "folder"), [("package.handlers:router", "package"), ("goodbot:router", ""), ("nobot:router", "")]
)
def test_reload_watches_the_package(modules: Path, app: str, folder: str) -> None:
    """The folder is that of the top-level package, or of the module if it is in no package."""
    assert folder_of(app, app_dir=str(modules)) == modules / folder
