"""What WeChat defines: pure functions and typed messages, no I/O.

The names a handler needs are here. Modules that raise errors of `wxbus.errors` are not imported: that one needs us.
"""

from wxbus.wechat import events, reply
from wxbus.wechat.base import ComponentEvent, Event, Message, PlatformEvent, UserMessage
from wxbus.wechat.events import *  # noqa: F403 - all that its __all__ lists
from wxbus.wechat.messages import (
    AnyMessage,
    AnyUserMessage,
    DeviceEventMessage,
    DeviceMessage,
    DeviceTextMessage,
    FileMessage,
    HardwareMessage,
    ImageMessage,
    LinkMessage,
    LocationMessage,
    MiniProgramPageMessage,
    ShortVideoMessage,
    TextMessage,
    UnknownComponentEvent,
    UnknownEvent,
    UnknownMessage,
    VideoMessage,
    VoiceMessage,
    model_of,
    parse_message,
    tag_of,
)

__all__ = [
    "AnyMessage",
    "AnyUserMessage",
    "ComponentEvent",
    "DeviceEventMessage",
    "DeviceMessage",
    "DeviceTextMessage",
    "Event",
    "FileMessage",
    "HardwareMessage",
    "ImageMessage",
    "LinkMessage",
    "LocationMessage",
    "Message",
    "MiniProgramPageMessage",
    "PlatformEvent",
    "ShortVideoMessage",
    "TextMessage",
    "UnknownComponentEvent",
    "UnknownEvent",
    "UnknownMessage",
    "UserMessage",
    "VideoMessage",
    "VoiceMessage",
    "model_of",
    "parse_message",
    "reply",
    "tag_of",
]
__all__ += events.__all__
