"""Everything that handlers import: `from wxbus_worker import Context, Router, TextMessage, reply`.

docs/reference/handlers.md lists the names. `wxbus_worker.testing` has what tests of handlers import. All other modules
are internal.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxbus_worker.public import *


@cache
def _exported() -> frozenset[str]:
    """Return the public names. The first call imports the modules behind `public`, but not the models."""
    names = {*vars(import_module("wxbus_worker.public")), *import_module("wxbus.wechat.registry").ROWS}
    return frozenset(name for name in names if name[0] != "_" and name != "TYPE_CHECKING")


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_exported())
    if name.startswith("_") or name not in _exported():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    public = vars(import_module("wxbus_worker.public"))
    return public[name] if name in public else getattr(import_module("wxbus.wechat"), name)


def __dir__() -> list[str]:
    return sorted(_exported())
