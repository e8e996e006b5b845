"""Finds the router that a worker is told to run."""

import importlib
import sys
from pathlib import Path

from wxbus.errors import ConfigurationError
from wxbus_worker.router import Router


def load_router(app: str, *, app_dir: str = ".") -> Router:
    """Return the router that `app` names, `package.module:name`; the module is looked for in `app_dir` first.

    Raises:
        ConfigurationError: There is no such thing; the text says what is missing.
    """
    module_name, colon, name = app.partition(":")
    if not (module_name and colon and name):
        raise ConfigurationError(
            f"app {app!r}: name the router to run as package.module:name, like mybot.handlers:router"
        )
    directory = str(Path(app_dir).resolve())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        module = importlib.import_module(module_name)
    except ConfigurationError as exc:
        raise ConfigurationError(f"app {app!r}: {exc}") from exc
    except Exception as exc:
        if isinstance(exc, ModuleNotFoundError) and exc.name and f"{module_name}.".startswith(f"{exc.name}."):
            raise ConfigurationError(f"app {app!r}: there is no module {exc.name} in {directory} or installed") from exc
        raise ConfigurationError(f"app {app!r}: importing {module_name} failed: {type(exc).__name__}: {exc}") from exc
    router = getattr(module, name, None)
    if not isinstance(router, Router):
        there = [key for key, value in vars(module).items() if isinstance(value, Router)]
        hint = f"; it has {', '.join(there)}" if there else ""
        what = "is no Router" if hasattr(module, name) else "does not exist"
        raise ConfigurationError(f"app {app!r}: {name} {what} in module {module_name}{hint}")
    return router
