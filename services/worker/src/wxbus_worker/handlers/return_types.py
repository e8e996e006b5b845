"""The types that a handler may return."""

from typing import Any, Final, get_args

from wxbus.wechat.replies.reply import AnyReply, CustomerServiceReply, EventResponse, TransferToCustomerService
from wxbus.wechat.replies.sockets import SocketReply
from wxbus.wechat.replies.templates import TemplateReply
from wxbus.wechat.replies.wecom import WeComReply
from wxbus_worker.handlers.uploads import MediaFile

SENDABLE: Final[tuple[type, ...]] = (
    *get_args(CustomerServiceReply),
    *get_args(TemplateReply),
    *get_args(WeComReply),
    *get_args(SocketReply),
)
PASSIVE_ONLY: Final = (TransferToCustomerService,)
UPLOADED: Final[tuple[type, ...]] = get_args(MediaFile)
RULE: Final = "a handler returns a reply, a str, a list of them, or None"

_ALLOWED: Final = (*get_args(AnyReply), EventResponse, *UPLOADED, str, list, tuple, type(None))


def not_allowed(classes: tuple[type, ...]) -> tuple[type, ...]:
    """Return those classes of a return annotation that are not replies."""
    return tuple(one for one in classes if not (one is Any or _may_be_reply(one)))


def _may_be_reply(one: type) -> bool:
    return any(issubclass(one, allowed) or issubclass(allowed, one) for allowed in _ALLOWED)
