"""Runs the business's handlers, each user's messages in order, effectively once.

    from wxbus_worker import Context, Router

Handlers raise `RetryLater` to be run again later, and `Reject` when no attempt can succeed.
"""

from wxbus.errors import Reject, RetryLater
from wxbus.wechat.reply import Success as SuccessResponse
from wxbus_worker.context import Context, ContextPolicy
from wxbus_worker.context_store import ContextStore
from wxbus_worker.current import CurrentDelivery, current_delivery
from wxbus_worker.features import Features
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
