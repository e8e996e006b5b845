"""The result of a message in a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wxbus.bus.envelope import Envelope
from wxbus.wechat.replies.reply import AnyReply, Text
from wxbus_worker.context.context import Context
from wxbus_worker.handlers.undelivered import Undelivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one message."""

    replies: Sequence[AnyReply]
    """All replies in the order in which the user gets them, the passive one first."""
    undelivered: Sequence[Undelivered] = ()
    """Replies that WeChat did not take; their `on_undelivered` handlers have run."""
    passive: AnyReply | None = None
    """The passive reply, on accounts with `reply = "passive"` or `"transfer"`."""
    response: Mapping[str, Any] | None = None
    """The document in the response to WeChat: the passive reply, or the handler's `reply.EventResponse`."""
    context: Context[Any]
    """The user's context after the message."""
    outcome: str
    """`done`, `retried` (another attempt is scheduled) or `dead_lettered`."""
    error: Exception | None
    """Why it was retried or dead-lettered."""
    envelope: Envelope
    """The message as the worker got it."""

    @property
    def texts(self) -> list[str]:
        """Return the contents of the text replies."""
        return [reply.content for reply in self.replies if isinstance(reply, Text)]
