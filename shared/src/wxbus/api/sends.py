"""Lets the caller of a handler observe the messages that the handler sends with its client."""

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Final, Protocol

from wxbus.wechat.replies.reply import AnyReply


class SendObserver(Protocol):
    """Observes the messages that `WeChatClient.send` sends."""

    def sending(self, appid: str, openid: str, reply: AnyReply) -> AbstractContextManager[None]:
        """Return a context manager around the call; it raises WeChatError if WeChat would refuse the message."""
        ...


OBSERVER: ContextVar[SendObserver | None] = ContextVar("wxbus_send_observer", default=None)
UNOBSERVED: Final = nullcontext()


def observed(appid: str, openid: str, reply: AnyReply) -> AbstractContextManager[None]:
    """Return a context manager around the call that sends a message."""
    observer = OBSERVER.get()
    return UNOBSERVED if observer is None else observer.sending(appid, openid, reply)
