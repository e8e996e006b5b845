"""The names that `wxbus_worker` exports, besides messages and events. docs/reference/handlers.md lists all of them."""

from typing import TYPE_CHECKING

from wxbus.accounts.models import Account as Account
from wxbus.accounts.models import AccountKind as AccountKind
from wxbus.api.calls import Repeat as Repeat
from wxbus.api.client import WeChatClient as WeChatClient
from wxbus.api.download import Download as Download
from wxbus.api.models import File as File
from wxbus.api.models import Login as Login
from wxbus.api.models import VideoLink as VideoLink
from wxbus.api.uploads import UploadFile as UploadFile
from wxbus.api.wecom.client import WeComClient as WeComClient
from wxbus.errors import BadRequest as BadRequest
from wxbus.errors import ConfigurationError as ConfigurationError
from wxbus.errors import LoginRequired as LoginRequired
from wxbus.errors import NotPermitted as NotPermitted
from wxbus.errors import OutOfWindow as OutOfWindow
from wxbus.errors import QuotaExceeded as QuotaExceeded
from wxbus.errors import RateLimited as RateLimited
from wxbus.errors import Reject as Reject
from wxbus.errors import RetryLater as RetryLater
from wxbus.errors import ServerBusy as ServerBusy
from wxbus.errors import TokenInvalid as TokenInvalid
from wxbus.errors import Unavailable as Unavailable
from wxbus.errors import UserRefused as UserRefused
from wxbus.errors import WeChatError as WeChatError
from wxbus.errors import WeChatUnavailable as WeChatUnavailable
from wxbus.features import Features as Features
from wxbus.messages import Bus as Bus
from wxbus.sockets.presence import Presence as Presence
from wxbus.tokens import TokenClient as TokenClient
from wxbus.tokens.tickets import AgentTicket as AgentTicket
from wxbus.tokens.tickets import CardTicket as CardTicket
from wxbus.tokens.tickets import JsSdkTicket as JsSdkTicket
from wxbus.wechat import AnyMessage as AnyMessage
from wxbus.wechat import reply as reply
from wxbus_worker.context.context import Context as Context
from wxbus_worker.context.contexts import Contexts as Contexts
from wxbus_worker.context.contexts import StoredContext as StoredContext
from wxbus_worker.handlers.call import CallNext as CallNext
from wxbus_worker.handlers.call import HandlerCall as HandlerCall
from wxbus_worker.handlers.current_delivery import CurrentDelivery as CurrentDelivery
from wxbus_worker.handlers.current_delivery import current_delivery as current_delivery
from wxbus_worker.handlers.message_handler import MessageHandler as MessageHandler
from wxbus_worker.handlers.message_handler import Outcome as Outcome
from wxbus_worker.handlers.message_handler import SocketHandler as SocketHandler
from wxbus_worker.handlers.message_handler import options as options
from wxbus_worker.handlers.retry_policy import RetryPolicy as RetryPolicy
from wxbus_worker.handlers.robot_stream import RobotStream as RobotStream
from wxbus_worker.handlers.router import Router as Router
from wxbus_worker.handlers.signal import Signal as Signal
from wxbus_worker.handlers.skip import Skip as Skip
from wxbus_worker.handlers.undelivered import Undelivered as Undelivered
from wxbus_worker.handlers.uploads import ImageFile as ImageFile
from wxbus_worker.handlers.uploads import MediaFile as MediaFile
from wxbus_worker.handlers.uploads import VideoFile as VideoFile
from wxbus_worker.handlers.uploads import VoiceFile as VoiceFile
from wxbus_worker.store.open_contexts import open_contexts as open_contexts

SuccessResponse = reply.Success

if TYPE_CHECKING:  # at run time `wxbus_worker` collects them
    from wxbus.wechat import *
