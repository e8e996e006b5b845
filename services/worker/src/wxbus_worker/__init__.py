"""Everything that handlers import: `from wxbus_worker import Context, Router, TextMessage, reply`.

docs/reference/handlers.md lists the names. `wxbus_worker.testing` has what tests of handlers import. All other modules
are internal.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wxbus_worker.public import *

MODELS: Final = ("wxbus.wechat.events.", "wxbus.wechat.messages.")
"""Packages whose classes are public: messages, events and their parts."""


@cache
def _exported() -> dict[str, Any]:
    """Return the public names. The first use imports them: `python -m wxbus_worker --help` needs none."""
    public, wechat = vars(import_module("wxbus_worker.public")), vars(import_module("wxbus.wechat.public"))
    models = {name: value for name, value in wechat.items() if getattr(value, "__module__", "").startswith(MODELS)}
    return {name: value for name, value in (models | public).items() if name[0] != "_" and name != "TYPE_CHECKING"}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_exported())
    if name.startswith("_") or name not in _exported():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _exported()[name]


def __dir__() -> list[str]:
    return sorted(_exported())
