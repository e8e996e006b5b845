"""Finds the handlers that a worker is told to run, and says what is wrong if it cannot."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Final

import wxbus
from wxbus.errors import ConfigurationError
from wxbus_worker.handlers.message_handler import MessageHandler
from wxbus_worker.handlers.registry import Registry

OURS: Final = (Path(wxbus.__path__[0]), Path(__file__).parents[1])
"""The folders of `wxbus` and `wxbus_worker`."""


def load_router(app: str, *, app_dir: str = ".") -> Registry:
    """Return the handlers that `app` names, `package.module:name`, as a router.

    The name is that of a `Router`, of a `MessageHandler`, or of a class of those; its module is looked for in `app_dir`
    first.

    Raises:
        ConfigurationError: There is no such thing, or it cannot be imported; the text says what is missing and where.
    """
    module_name, name = _parts(app)
    directory = _on_path(app_dir)
    module = _imported(app, module_name, directory)
    found = getattr(module, name, None)
    try:
        if isinstance(found, type) and issubclass(found, MessageHandler):
            found = found()
        if isinstance(found, Registry | MessageHandler):
            return found.as_router()
    except ConfigurationError as exc:
        raise ConfigurationError(f"app {app!r}: {exc}") from exc
    except Exception as exc:
        raise ConfigurationError(f"app {app!r}: making a {name} failed: {_told(exc, directory)}") from exc
    there = [key for key, value in vars(module).items() if _is_app(value, module)]
    hint = f"; it has {', '.join(there)}" if there else ""
    what = f"is {type(found).__name__}, no Router and no MessageHandler," if hasattr(module, name) else "does not exist"
    raise ConfigurationError(f"app {app!r}: {name} {what} in module {module_name}{hint}")


def folder_of(app: str, *, app_dir: str = ".") -> Path:
    """Return the folder of the package that `app` is in; of a module that is in none, the folder it is looked for in.

    Raises:
        ConfigurationError: It does not name a module.
    """
    package = _parts(app)[0].partition(".")[0]
    directory = _on_path(app_dir)
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders), directory) if folders else directory)


def _parts(app: str) -> tuple[str, str]:
    if not app:
        raise ConfigurationError("WXBUS_WORKER_APP or --app must name the router to run, like mybot.handlers:router")
    module_name, colon, name = app.partition(":")
    if not (module_name and colon and name):
        raise ConfigurationError(
            f"app {app!r}: name the router to run as package.module:name, like mybot.handlers:router"
        )
    return module_name, name


def _on_path(app_dir: str) -> str:
    directory = str(Path(app_dir).resolve())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    return directory


def _imported(app: str, module_name: str, directory: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        if exc.name and f"{module_name}.".startswith(f"{exc.name}."):
            raise ConfigurationError(f"app {app!r}: there is no module {exc.name} in {directory} or installed") from exc
        reason: BaseException = exc
    except (Exception, SystemExit) as exc:
        reason = exc
    raise ConfigurationError(f"app {app!r}: importing {module_name} failed: {_told(reason, directory)}") from reason


def _told(exc: BaseException, directory: str) -> str:
    """Return an error in one line, and the line of the user's code that it comes from in a second one."""
    text = str(exc) if isinstance(exc, ConfigurationError) else f"{type(exc).__name__}: {exc}"
    if isinstance(exc, SyntaxError):
        return f"SyntaxError: {exc.msg}\n  {exc.filename}, line {exc.lineno}: {(exc.text or '').strip()}"
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if _is_users(frame.filename, directory)]
    if not frames:
        return text
    return f"{text}\n  {frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}"


def _is_users(filename: str, directory: str) -> bool:
    """Whether it is the user's own code: not ours and not a library's, although these may lie below as well."""
    path = Path(filename)
    ours = any(path.is_relative_to(package) for package in OURS)
    return path.is_relative_to(directory) and not ours and "site-packages" not in path.parts


def _is_app(value: object, module: ModuleType) -> bool:
    if isinstance(value, type):
        return issubclass(value, MessageHandler) and value.__module__ == module.__name__
    return isinstance(value, Registry | MessageHandler)
