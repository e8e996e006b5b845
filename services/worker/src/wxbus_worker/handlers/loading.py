"""Imports the handlers that a setting names."""

from pathlib import Path
from types import ModuleType

from wxbus.config.loading import AppLocation
from wxbus.errors import ConfigurationError
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.message_handler import MessageHandler


def load_router(app: str, *, app_dir: str = ".") -> BaseRouter:
    """Return the handlers that `app` names, `package.module:name`, as a router.

    `name` is a `Router`, a `MessageHandler`, or a subclass of `MessageHandler`. Its module is searched in
    `app_dir` first.

    Raises:
        ConfigurationError: It does not exist or cannot be imported.
    """
    location = _location(app, app_dir)
    found, module = location.load()
    with location.describing(f"creating {location.name}"):
        if isinstance(found, type) and issubclass(found, MessageHandler):
            found = found()
        if isinstance(found, BaseRouter | MessageHandler):
            return found.as_router()
    apps = [key for key, value in vars(module).items() if _is_app(value, module)]
    hint = f"; it has {', '.join(apps)}" if apps else ""
    known = hasattr(module, location.name)
    what = f"is {type(found).__name__}, not a Router or a MessageHandler," if known else "does not exist"
    raise ConfigurationError(f"app {app!r}: {location.name} {what} in module {location.module}{hint}")


def folder_of(app: str, *, app_dir: str = ".") -> Path:
    """Return the folder of the top-level package of `app`, or the folder of its module if it is in no package.

    Raises:
        ConfigurationError: It does not name a module.
    """
    return _location(app, app_dir).package_folder


def _location(app: str, app_dir: str) -> AppLocation:
    return AppLocation.parse(app, app_dir=app_dir, setting="WXBUS_WORKER_APP or --app", example="mybot.handlers:router")


def _is_app(value: object, module: ModuleType) -> bool:
    if isinstance(value, type):
        return issubclass(value, MessageHandler) and value.__module__ == module.__name__
    return isinstance(value, BaseRouter | MessageHandler)
