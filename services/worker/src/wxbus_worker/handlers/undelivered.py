"""A reply that WeChat did not take, with the reason; `@router.on_undelivered` handles it."""

import json
from dataclasses import dataclass
from typing import Any

from wxbus.bus.envelope import Envelope
from wxbus.errors import UnreadableEnvelope, WeChatError
from wxbus.wechat import Message
from wxbus.wechat.replies.reply import AnyReply, reply_from_json, reply_to_json


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A reply that did not reach its user."""

    reply: AnyReply
    error: WeChatError | ValueError
    """Why: the subclass of WeChatError says what to do; ValueError: no message can carry the reply."""


class ReplyUndelivered(Message):
    """The note about such a reply, in the lane of its user."""

    msg_type: str = "reply_undelivered"
    reply: Any
    error: Any
    """The WeChatError or ValueError."""
    instead: Any = None
    """The fallback that was delivered in its place."""
    of_hook: bool = False
    """An `on_undelivered` handler returned it: no handler is called again."""

    @property
    def lost(self) -> bool:
        """Whether the user got nothing, and no handler knows yet."""
        return self.instead is None and not self.of_hook

    def to_body(self) -> bytes:
        """Return the body of the note's envelope."""
        error: WeChatError | ValueError = self.error
        return json.dumps(
            {
                "reply": reply_to_json(self.reply).decode(),
                "errcode": error.errcode if isinstance(error, WeChatError) else None,
                "reason": error.errmsg if isinstance(error, WeChatError) else str(error),
                "call": error.call if isinstance(error, WeChatError) else "",
                "instead": reply_to_json(self.instead).decode() if self.instead else None,
                "of_hook": self.of_hook,
            },
            ensure_ascii=False,
        ).encode()

    @classmethod
    def of(cls, envelope: Envelope) -> "ReplyUndelivered":
        """Return the note in an envelope of its kind, or raise UnreadableEnvelope."""
        try:
            body = json.loads(envelope.body)
            errcode, reason, instead = body["errcode"], body["reason"], body["instead"]
            return cls(
                from_user=envelope.openid or "",
                created_at=int(envelope.received_at),
                reply=reply_from_json(body["reply"]),
                error=ValueError(reason) if errcode is None else WeChatError(errcode, reason, call=body["call"]),
                instead=None if instead is None else reply_from_json(instead),
                of_hook=body["of_hook"],
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise UnreadableEnvelope(f"{envelope.kind} without a reply that this release knows") from exc
