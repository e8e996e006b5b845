"""Runs the business's handlers, each user's messages in order, effectively once.

    from wxbus_worker import Context, Router

Handlers raise `RetryLater` to be run again later, and `Reject` when no attempt can succeed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxbus.errors import Reject, RetryLater
    from wxbus.wechat.replies.reply import Success as SuccessResponse
    from wxbus_worker.context.context import Context, ContextPolicy
    from wxbus_worker.handlers.current_delivery import CurrentDelivery, current_delivery
    from wxbus_worker.handlers.injection import CallNext, HandlerCall
    from wxbus_worker.handlers.message_handler import MessageHandler, Outcome, options
    from wxbus_worker.handlers.retry_policy import RetryPolicy
    from wxbus_worker.handlers.router import Router
    from wxbus_worker.handlers.uploads import ImageFile, VideoFile, VoiceFile
    from wxbus_worker.store.ports import ContextStore
    from wxbus_worker.store.redis import RedisContextStore

__all__ = [
    "CallNext",
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
    "CallNext": "wxbus_worker.handlers.injection:CallNext",
    "Context": "wxbus_worker.context.context:Context",
    "ContextPolicy": "wxbus_worker.context.context:ContextPolicy",
    "ContextStore": "wxbus_worker.store.ports:ContextStore",
    "CurrentDelivery": "wxbus_worker.handlers.current_delivery:CurrentDelivery",
    "Features": "wxbus.features:Features",
    "HandlerCall": "wxbus_worker.handlers.injection:HandlerCall",
    "ImageFile": "wxbus_worker.handlers.uploads:ImageFile",
    "MessageHandler": "wxbus_worker.handlers.message_handler:MessageHandler",
    "Outcome": "wxbus_worker.handlers.message_handler:Outcome",
    "RedisContextStore": "wxbus_worker.store.redis:RedisContextStore",
    "Reject": "wxbus.errors:Reject",
    "RetryLater": "wxbus.errors:RetryLater",
    "RetryPolicy": "wxbus_worker.handlers.retry_policy:RetryPolicy",
    "Router": "wxbus_worker.handlers.router:Router",
    "SuccessResponse": "wxbus.wechat.replies.reply:Success",
    "VideoFile": "wxbus_worker.handlers.uploads:VideoFile",
    "VoiceFile": "wxbus_worker.handlers.uploads:VoiceFile",
    "current_delivery": "wxbus_worker.handlers.current_delivery:current_delivery",
    "options": "wxbus_worker.handlers.message_handler:options",
}
"""Where each name is from. It is imported when it is first asked for: `python -m wxbus_worker --help` needs none."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value
