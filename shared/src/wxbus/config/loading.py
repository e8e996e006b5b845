"""Imports the user's code that a setting names. Errors name the missing module, and the line of the user's code."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import wxbus
from wxbus.errors import ConfigurationError

SHARED: Final = Path(wxbus.__path__[0])
SERVICES: Final = frozenset({"wxbus_worker", "wxbus_gateway"})
"""Packages whose frames are not the user's code."""


@dataclass(frozen=True, slots=True)
class AppLocation:
    """An object in the user's code: `package.module:name`, searched in a folder first."""

    app: str
    module: str
    name: str
    folder: str

    @classmethod
    def parse(cls, app: str, *, app_dir: str, setting: str, example: str) -> "AppLocation":
        """Return the location that `app` names; adds `app_dir` to `sys.path`.

        Args:
            app: `package.module:name`.
            app_dir: The folder in which the module is searched first.
            setting: Names the setting in errors.
            example: A valid value, for errors.

        Raises:
            ConfigurationError: It is empty or malformed.
        """
        if not app:
            raise ConfigurationError(f"{setting} must name what to run, such as {example}")
        module, colon, name = app.partition(":")
        if not (module and colon and name):
            raise ConfigurationError(f"app {app!r}: must be package.module:name, such as {example}")
        folder = str(Path(app_dir).resolve())
        if folder not in sys.path:
            sys.path.insert(0, folder)
        return cls(app, module, name, folder)

    def load(self) -> tuple[Any, ModuleType]:
        """Return the object, None if the module has none of this name, and the module.

        Raises:
            ConfigurationError: The module cannot be imported.
        """
        try:
            module = importlib.import_module(self.module)
        except ModuleNotFoundError as exc:
            if exc.name and f"{self.module}.".startswith(f"{exc.name}."):
                where = f"is neither in {self.folder} nor installed"
                raise ConfigurationError(f"app {self.app!r}: module {exc.name} {where}") from exc
            reason: BaseException = exc
        except (Exception, SystemExit) as exc:
            reason = exc
        else:
            return getattr(module, self.name, None), module
        text = f"app {self.app!r}: importing {self.module} failed: {self._described(reason)}"
        raise ConfigurationError(text) from reason

    @contextmanager
    def describing(self, doing: str) -> Iterator[None]:
        """Run the user's code in the block; its errors become ConfigurationErrors that name its line."""
        try:
            yield
        except ConfigurationError as exc:
            raise ConfigurationError(f"app {self.app!r}: {exc}") from exc
        except Exception as exc:
            raise ConfigurationError(f"app {self.app!r}: {doing} failed: {self._described(exc)}") from exc

    @property
    def package_folder(self) -> Path:
        """The folder of the top-level package, or that of the module if it is in no package."""
        spec = importlib.util.find_spec(self.module.partition(".")[0])
        folders = spec.submodule_search_locations if spec else None
        return Path(next(iter(folders), self.folder) if folders else self.folder)

    def _described(self, exc: BaseException) -> str:
        """Return the error in one line, and the line of the user's code that raised it in a second one."""
        text = str(exc) if isinstance(exc, ConfigurationError) else f"{type(exc).__name__}: {exc}"
        if isinstance(exc, SyntaxError):
            return f"SyntaxError: {exc.msg}\n  {exc.filename}, line {exc.lineno}: {(exc.text or '').strip()}"
        frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if self._is_users(frame.filename)]
        if not frames:
            return text
        return f"{text}\n  {frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}"

    def _is_users(self, filename: str) -> bool:
        """Whether it is the user's code. wxbus and libraries may be below the same folder."""
        path = Path(filename)
        ours = path.is_relative_to(SHARED) or not SERVICES.isdisjoint(path.parts)
        return path.is_relative_to(self.folder) and not ours and "site-packages" not in path.parts
