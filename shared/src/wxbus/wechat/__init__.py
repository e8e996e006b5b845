"""WeChat's protocol: pure functions and typed messages, without I/O.

    from wxbus.wechat import Message, TextMessage, reply

This package exports the messages, events and replies; its subpackages contain the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxbus.wechat.public import *


def __getattr__(name: str) -> Any:
    """Return a public name. Its first use imports its module: most processes need few of the 500 models."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    row = import_module("wxbus.wechat.registry").ROWS.get(name)
    return row.load() if row else getattr(import_module("wxbus.wechat.public"), name)


def __dir__() -> list[str]:
    names = {*vars(import_module("wxbus.wechat.public")), *import_module("wxbus.wechat.registry").ROWS}
    return sorted(name for name in names if not name.startswith("_"))
