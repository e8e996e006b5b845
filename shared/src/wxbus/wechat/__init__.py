"""What WeChat defines: pure functions and typed messages, no I/O.

    from wxbus.wechat import Message, TextMessage, reply

This package exports the messages, events and replies; the rooms below it contain the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxbus.wechat.public import *


def __getattr__(name: str) -> Any:
    """Return a public name. The first use imports them all: ingress needs none of the 250 classes of events."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("wxbus.wechat.public"), name)


def __dir__() -> list[str]:
    return sorted(name for name in vars(import_module("wxbus.wechat.public")) if not name.startswith("_"))
