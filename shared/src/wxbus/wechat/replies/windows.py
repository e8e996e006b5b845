"""How many customer-service messages an action of a user allows, and for how long.

See protocol reference 9.1, and WeCom reference 7.3 for WeChat Customer Service.
"""

from dataclasses import dataclass
from typing import Final

from wxbus.wechat.events.menu import ClickEvent, ScanCodePushEvent, ScanCodeWaitMessageEvent
from wxbus.wechat.events.users import ScanEvent, SubscribeEvent, UserEnterSession
from wxbus.wechat.messages.base import Message, UserMessage
from wxbus.wechat.messages.kf import KfServicerMessage
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.templates import WithFallback

OUT_OF_WINDOW: Final = 45015
NONE_LEFT: Final = 45047
KF_NONE_LEFT: Final = 95001
"""WeChat Customer Service has one errcode for a closed window and for no messages left."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The messages that an action allows; the same action later renews the allowance."""

    action: str
    messages: int
    seconds: float


MESSAGE: Final = Allowance("message", 5, 48 * 3600.0)
_OFFICIAL_ACCOUNT: Final = (
    (UserMessage, MESSAGE),
    ((ClickEvent, ScanCodePushEvent, ScanCodeWaitMessageEvent), Allowance("menu", 3, 60.0)),
    (SubscribeEvent, Allowance("follow", 3, 60.0)),
    (ScanEvent, Allowance("scan", 3, 60.0)),
)
_MINI_PROGRAM: Final = ((UserMessage, MESSAGE), (UserEnterSession, Allowance("enter", 2, 60.0)))


def allowance_of(message: Message, *, mini_program: bool) -> Allowance | None:
    """Return the messages that a user's push allows, None if it allows none."""
    if isinstance(message, KfServicerMessage):  # not written by the customer
        return None
    table = _MINI_PROGRAM if mini_program else _OFFICIAL_ACCOUNT
    return next((allowance for kinds, allowance in table if isinstance(message, kinds)), None)


def is_counted(reply: AnyReply, *, to_customer: bool = False) -> bool:
    """Return whether WeChat counts the reply: templates, subscription messages and WebSocket pushes need no action.

    WeChat Customer Service counts every message to a customer.
    """
    return to_customer or isinstance(reply, WithFallback)
