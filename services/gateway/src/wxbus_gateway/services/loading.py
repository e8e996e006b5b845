"""Imports the application that a setting names."""

from types import ModuleType

from wxbus.config.loading import AppLocation
from wxbus.errors import ConfigurationError
from wxbus_gateway.services.application import Application


def load_application(app: str, *, app_dir: str = ".") -> Application:
    """Return the application that `app` names, `package.module:name`; an empty one if it names none.

    Raises:
        ConfigurationError: It does not exist or cannot be imported.
    """
    if not app:
        return Application()
    location = location_of(app, app_dir=app_dir)
    found, module = location.load()
    if isinstance(found, Application):
        return found
    known = hasattr(module, location.name)
    what = f"is {type(found).__name__}, not an Application," if known else "does not exist"
    raise ConfigurationError(f"app {app!r}: {location.name} {what} in module {location.module}{_hint(module)}")


def location_of(app: str, *, app_dir: str = ".") -> AppLocation:
    """Return where the application is; raises ConfigurationError if `app` is empty or malformed."""
    return AppLocation.parse(app, app_dir=app_dir, setting="WXBUS_GATEWAY_APP or --app", example="shop.services:app")


def _hint(module: ModuleType) -> str:
    found = [name for name, value in vars(module).items() if isinstance(value, Application)]
    return f"; it has {', '.join(found)}" if found else ""
