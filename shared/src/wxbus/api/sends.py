"""Lets the caller of a handler see what the handler sends with its client."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from wxbus.wechat.replies.reply import AnyReply


class SendObserver(Protocol):
    """Is told of messages that `WeChatClient.send` sends."""

    def before(self, appid: str, openid: str, reply: AnyReply) -> None:
        """Raise WeChatError if WeChat would refuse the message."""
        ...

    def after(self, appid: str, openid: str, reply: AnyReply, error: Exception | None) -> None:
        """Note that it was sent, or why it was not."""
        ...


OBSERVER: ContextVar[SendObserver | None] = ContextVar("wxbus_send_observer", default=None)


@contextmanager
def observed(appid: str, openid: str, reply: AnyReply) -> Iterator[None]:
    """Send the message in the block."""
    observer = OBSERVER.get()
    if observer is None:
        yield
        return
    observer.before(appid, openid, reply)
    error: Exception | None = None
    try:
        yield
    except Exception as exc:
        error = exc
        raise
    finally:
        observer.after(appid, openid, reply, error)
