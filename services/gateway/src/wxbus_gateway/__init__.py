"""Serves Mini Programs: login, sessions, users, and the business's own services.

What services import: `from wxbus_gateway import Application, MiniProgramUser, Phone, Session, method, service`.
docs/how-to/services.md lists the names; all other modules are internal.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxbus_gateway.public import *


def _exported() -> dict[str, Any]:
    """Return the public names. The first call imports them: `python -m wxbus_gateway --help` needs none."""
    public = vars(import_module("wxbus_gateway.public"))
    return {name: value for name, value in public.items() if name[0] != "_"}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_exported())
    if name.startswith("_") or name not in _exported():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _exported()[name]


def __dir__() -> list[str]:
    return sorted(_exported())
