"""Runs the business's handlers, each user's messages in order, effectively once.

    from wxbus_worker import Context, Router

Handlers raise `RetryLater` to be run again later, and `Reject` when no attempt can succeed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxbus.errors import Reject, RetryLater
    from wxbus.wechat.reply import Success as SuccessResponse
    from wxbus_worker.context import Context, ContextPolicy
    from wxbus_worker.context_store import ContextStore
    from wxbus_worker.current import CurrentDelivery, current_delivery
    from wxbus_worker.injection import Bound, HandlerCall
    from wxbus_worker.media import ImageFile, VideoFile, VoiceFile
    from wxbus_worker.message_handler import MessageHandler, Outcome, options
    from wxbus_worker.redis_context_store import RedisContextStore
    from wxbus_worker.retries import RetryPolicy
    from wxbus_worker.router import Router

__all__ = [
    "Bound",
    "Context",
    "ContextPolicy",
    "ContextStore",
    "CurrentDelivery",
    "Features",
    "HandlerCall",
    "ImageFile",
    "MessageHandler",
    "Outcome",
    "RedisContextStore",
    "Reject",
    "RetryLater",
    "RetryPolicy",
    "Router",
    "SuccessResponse",
    "VideoFile",
    "VoiceFile",
    "current_delivery",
    "options",
]

_HOMES = {
    "Bound": "wxbus_worker.injection:Bound",
    "Context": "wxbus_worker.context:Context",
    "ContextPolicy": "wxbus_worker.context:ContextPolicy",
    "ContextStore": "wxbus_worker.context_store:ContextStore",
    "CurrentDelivery": "wxbus_worker.current:CurrentDelivery",
    "Features": "wxbus.features:Features",
    "HandlerCall": "wxbus_worker.injection:HandlerCall",
    "ImageFile": "wxbus_worker.media:ImageFile",
    "MessageHandler": "wxbus_worker.message_handler:MessageHandler",
    "Outcome": "wxbus_worker.message_handler:Outcome",
    "RedisContextStore": "wxbus_worker.redis_context_store:RedisContextStore",
    "Reject": "wxbus.errors:Reject",
    "RetryLater": "wxbus.errors:RetryLater",
    "RetryPolicy": "wxbus_worker.retries:RetryPolicy",
    "Router": "wxbus_worker.router:Router",
    "SuccessResponse": "wxbus.wechat.reply:Success",
    "VideoFile": "wxbus_worker.media:VideoFile",
    "VoiceFile": "wxbus_worker.media:VoiceFile",
    "current_delivery": "wxbus_worker.current:current_delivery",
    "options": "wxbus_worker.message_handler:options",
}
"""Where each name is from. It is imported when it is first asked for: `python -m wxbus_worker --help` needs none."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value
