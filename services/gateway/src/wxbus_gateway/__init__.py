"""The door of Mini Programs: login, sessions, users, and the business's own services.

What services import: `from wxbus_gateway import Application, MiniProgramUser, Phone, Session, method, service`.
docs/how-to/services.md lists the names; all other modules are internal.
"""

from wxbus.accounts.models import Account
from wxbus.api.client import WeChatClient
from wxbus.errors import RpcFailure
from wxbus.rpc import method, service
from wxbus.rpc.service.call import Answer, Call, current_call
from wxbus.rpc.service.stages import Next, Stage
from wxbus.sockets.presence import Presence
from wxbus_gateway.services.access import Public
from wxbus_gateway.services.application import Application
from wxbus_gateway.sessions.changes import Sessions
from wxbus_gateway.sessions.session import Session
from wxbus_gateway.users.model import MiniProgramUser, Phone, Profile

__all__ = [
    "Account",
    "Answer",
    "Application",
    "Call",
    "MiniProgramUser",
    "Next",
    "Phone",
    "Presence",
    "Profile",
    "Public",
    "RpcFailure",
    "Session",
    "Sessions",
    "Stage",
    "WeChatClient",
    "current_call",
    "method",
    "service",
]
