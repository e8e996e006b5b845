"""What WeChat defines: pure functions and typed messages, no I/O.

The names a handler needs are here. Modules that raise errors of `wxbus.errors` are not imported: that one needs us.
"""

from wxbus.wechat import reply as reply
from wxbus.wechat.base import ComponentEvent as ComponentEvent
from wxbus.wechat.base import Event as Event
from wxbus.wechat.base import Message as Message
from wxbus.wechat.base import PlatformEvent as PlatformEvent
from wxbus.wechat.base import UserMessage as UserMessage
from wxbus.wechat.events import *
from wxbus.wechat.messages import *
from wxbus.wechat.registry import AnyMessage as AnyMessage
from wxbus.wechat.registry import model_of as model_of
from wxbus.wechat.registry import parse_message as parse_message
from wxbus.wechat.registry import tag_of as tag_of
