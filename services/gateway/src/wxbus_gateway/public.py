"""The names that `wxbus_gateway` exports. docs/how-to/services.md lists them."""

from wxbus.accounts.models import Account as Account
from wxbus.api.client import WeChatClient as WeChatClient
from wxbus.errors import RpcFailure as RpcFailure
from wxbus.rpc import method as method
from wxbus.rpc import service as service
from wxbus.rpc.service.call import Answer as Answer
from wxbus.rpc.service.call import Call as Call
from wxbus.rpc.service.call import current_call as current_call
from wxbus.rpc.service.stages import Next as Next
from wxbus.rpc.service.stages import Stage as Stage
from wxbus.sockets.presence import Presence as Presence
from wxbus_gateway.services.access import Public as Public
from wxbus_gateway.services.application import Application as Application
from wxbus_gateway.sessions.changes import Sessions as Sessions
from wxbus_gateway.sessions.session import Session as Session
from wxbus_gateway.users.model import MiniProgramUser as MiniProgramUser
from wxbus_gateway.users.model import Phone as Phone
from wxbus_gateway.users.model import Profile as Profile
