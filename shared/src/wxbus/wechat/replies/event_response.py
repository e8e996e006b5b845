"""Answers to the events that want one of their own while WeChat waits (protocol reference 4.4)."""

import time
from typing import Final

from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format, Renderable
from wxbus.wechat.documents.document import Document, text
from wxbus.wechat.messages.system_events import ANSWERED_EVENTS, MINIGAME_PREFIX
from wxbus.wechat.replies.reply import EventResponse

SYNCHRONOUS_EVENTS: Final = ("xpay_*", f"{MINIGAME_PREFIX}*", *sorted(ANSWERED_EVENTS))
"""Names of the events that want one; `*` stands for anything."""
FAILED: Final = -1
MINIGAME_DEADLINE: Final = 2.7
"""Seconds in which a mini game's event is answered: WeChat gives it up after 3 (WeCom reference 10)."""


def response_document(answer: EventResponse, push: Document, *, created_at: int | None = None) -> dict[str, Renderable]:
    """Return the whole answer to an event: what its kind always has, and on top of it the fields given.

    Args:
        answer: By the handler.
        push: The event: sender and receiver change places.
        created_at: Seconds since the epoch; None: now.

    Raises:
        ValueError: WeChat has no form for one of the fields.
    """
    try:
        for form in Format:
            codec.render(answer.fields, form)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"an answer holds text, numbers, lists and mappings of these: {exc}") from exc
    event = text(push, "Event").lower()
    if event.startswith(("xpay_", MINIGAME_PREFIX)):
        return {"ErrCode": 0, "ErrMsg": "success", **answer.fields}
    if event not in ANSWERED_EVENTS:
        return dict(answer.fields)
    code, said = _result_names(event)
    return {
        "ToUserName": text(push, "FromUserName"),
        "FromUserName": text(push, "ToUserName"),
        "CreateTime": int(time.time()) if created_at is None else created_at,
        "MsgType": "event",
        "Event": text(push, "Event"),
        code: 0,
        said: "success",
        **answer.fields,
    }


def fallback_response(push: Document) -> dict[str, Renderable] | None:
    """Return what is safe to say when no handler has answered in time; None: `success`.

    Carriers' events must not count as done: their result is a failure. Virtual payment takes `success` for ErrCode 0,
    mini games want to read it: right once the push is on disk, for then its handler will run.
    """
    event = text(push, "Event").lower()
    if event.startswith(MINIGAME_PREFIX):
        return response_document(EventResponse({}), push)
    if event not in ANSWERED_EVENTS:
        return None
    code, said = _result_names(event)
    return response_document(EventResponse({code: FAILED, said: "busy, please try again"}), push)


def is_minigame_event(push: Document) -> bool:
    """Return whether a push is a mini game's: answered sooner, and never encrypted (WeCom reference 10)."""
    return text(push, "Event").lower().startswith(MINIGAME_PREFIX)


def _result_names(event: str) -> tuple[str, str]:
    """Return how the result is called: instant delivery writes it small."""
    return ("resultcode", "resultmsg") if event.startswith("transport_") else ("ResultCode", "ResultMsg")
