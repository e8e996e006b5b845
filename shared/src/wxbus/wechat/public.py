"""What `wxbus.wechat` exports: the messages, events and replies."""

from wxbus.wechat.events import *
from wxbus.wechat.messages.base import ComponentEvent as ComponentEvent
from wxbus.wechat.messages.base import Event as Event
from wxbus.wechat.messages.base import Message as Message
from wxbus.wechat.messages.base import PlatformEvent as PlatformEvent
from wxbus.wechat.messages.base import UserMessage as UserMessage
from wxbus.wechat.messages.kf import *
from wxbus.wechat.messages.kf_events import *
from wxbus.wechat.messages.robots import *
from wxbus.wechat.messages.unknown import UnknownComponentEvent as UnknownComponentEvent
from wxbus.wechat.messages.unknown import UnknownEvent as UnknownEvent
from wxbus.wechat.messages.unknown import UnknownMessage as UnknownMessage
from wxbus.wechat.messages.user import *
from wxbus.wechat.registry import AnyMessage as AnyMessage
from wxbus.wechat.registry import model_named as model_named
from wxbus.wechat.registry import model_of as model_of
from wxbus.wechat.registry import parse_message as parse_message
from wxbus.wechat.registry import tag_of as tag_of
from wxbus.wechat.replies import reply as reply
