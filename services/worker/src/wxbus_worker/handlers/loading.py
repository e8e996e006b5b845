"""Imports the handlers that a setting names. Errors name what is missing, and the line of the user's code."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Final

import wxbus
from wxbus.errors import ConfigurationError
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.message_handler import MessageHandler

OURS: Final = (Path(wxbus.__path__[0]), Path(__file__).parents[1])
"""The folders of `wxbus` and `wxbus_worker`."""


def load_router(app: str, *, app_dir: str = ".") -> BaseRouter:
    """Return the handlers that `app` names, `package.module:name`, as a router.

    The name is that of a `Router`, of a `MessageHandler`, or of a class of the latter. Its module is searched in
    `app_dir` first.

    Raises:
        ConfigurationError: It does not exist or cannot be imported.
    """
    module_name, name = _parts(app)
    directory = _on_path(app_dir)
    module = _imported(app, module_name, directory)
    found = getattr(module, name, None)
    try:
        if isinstance(found, type) and issubclass(found, MessageHandler):
            found = found()
        if isinstance(found, BaseRouter | MessageHandler):
            return found.as_router()
    except ConfigurationError as exc:
        raise ConfigurationError(f"app {app!r}: {exc}") from exc
    except Exception as exc:
        raise ConfigurationError(f"app {app!r}: creating {name} failed: {_described(exc, directory)}") from exc
    apps = [key for key, value in vars(module).items() if _is_app(value, module)]
    hint = f"; it has {', '.join(apps)}" if apps else ""
    what = (
        f"is {type(found).__name__}, not a Router or a MessageHandler," if hasattr(module, name) else "does not exist"
    )
    raise ConfigurationError(f"app {app!r}: {name} {what} in module {module_name}{hint}")


def folder_of(app: str, *, app_dir: str = ".") -> Path:
    """Return the folder of the top-level package of `app`, or the folder of its module if it is in no package.

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
        raise ConfigurationError("WXBUS_WORKER_APP or --app must name the router to run, such as mybot.handlers:router")
    module_name, colon, name = app.partition(":")
    if not (module_name and colon and name):
        raise ConfigurationError(f"app {app!r}: must be package.module:name, such as mybot.handlers:router")
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
            raise ConfigurationError(f"app {app!r}: module {exc.name} is neither in {directory} nor installed") from exc
        reason: BaseException = exc
    except (Exception, SystemExit) as exc:
        reason = exc
    raise ConfigurationError(
        f"app {app!r}: importing {module_name} failed: {_described(reason, directory)}"
    ) from reason


def _described(exc: BaseException, directory: str) -> str:
    """Return the error in one line, and the line of the user's code that raised it in a second one."""
    text = str(exc) if isinstance(exc, ConfigurationError) else f"{type(exc).__name__}: {exc}"
    if isinstance(exc, SyntaxError):
        return f"SyntaxError: {exc.msg}\n  {exc.filename}, line {exc.lineno}: {(exc.text or '').strip()}"
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if _is_users(frame.filename, directory)]
    if not frames:
        return text
    return f"{text}\n  {frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}"


def _is_users(filename: str, directory: str) -> bool:
    """Whether it is the user's code. wxbus and libraries may be below the same folder."""
    path = Path(filename)
    ours = any(path.is_relative_to(package) for package in OURS)
    return path.is_relative_to(directory) and not ours and "site-packages" not in path.parts


def _is_app(value: object, module: ModuleType) -> bool:
    if isinstance(value, type):
        return issubclass(value, MessageHandler) and value.__module__ == module.__name__
    return isinstance(value, BaseRouter | MessageHandler)
