"""Synchronous responses to events (protocol reference 4.4)."""

import time
from collections.abc import Mapping
from typing import Any, Final

from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format, Renderable
from wxbus.wechat.documents.document import Document, text
from wxbus.wechat.messages.system_events import MINIGAME_PREFIX, RESULT_EVENTS

SUCCESS: Final = b"success"
"""Response body that shows nothing and stops WeChat's retries; never encrypted (protocol reference 2.1)."""
FAILED: Final = -1
MINIGAME_DEADLINE: Final = 2.7
"""Seconds for the response to a mini game's event; WeChat times out after 3 (WeCom reference 10)."""


def response_document(
    fields: Mapping[str, Any], push: Document, *, created_at: int | None = None
) -> dict[str, Renderable]:
    """Return the document of a response: the default fields of the event, overridden by the given fields.

    Args:
        fields: The fields of the handler's `reply.EventResponse`.
        push: The event; the response swaps its sender and receiver.
        created_at: Seconds since the epoch; None: now.

    Raises:
        ValueError: A field cannot be rendered.
    """
    try:
        for form in Format:
            codec.render(fields, form)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"an EventResponse contains text, numbers, lists and mappings of these: {exc}") from exc
    event = text(push, "Event").lower()
    if event.startswith(("xpay_", MINIGAME_PREFIX)):
        return {"ErrCode": 0, "ErrMsg": "success", **fields}
    if event not in RESULT_EVENTS:
        return dict(fields)
    code, message = _result_names(event)
    return {
        "ToUserName": text(push, "FromUserName"),
        "FromUserName": text(push, "ToUserName"),
        "CreateTime": int(time.time()) if created_at is None else created_at,
        "MsgType": "event",
        "Event": text(push, "Event"),
        code: 0,
        message: "success",
        **fields,
    }


def fallback_response(push: Document) -> dict[str, Renderable] | None:
    """Return the response for an event without a handler's response in time; None: `success`.

    Carrier events get a failure, because WeChat must not count them as done. Virtual payment accepts `success`, mini
    games need it as a document: their pushes are persisted, so the handler will run.
    """
    event = text(push, "Event").lower()
    if event.startswith(MINIGAME_PREFIX):
        return response_document({}, push)
    if event not in RESULT_EVENTS:
        return None
    code, message = _result_names(event)
    return response_document({code: FAILED, message: "busy, please try again"}, push)


def is_minigame_event(push: Document) -> bool:
    """Return whether a mini game sent the push: it has a shorter deadline and no encryption (WeCom reference 10)."""
    return text(push, "Event").lower().startswith(MINIGAME_PREFIX)


def _result_names(event: str) -> tuple[str, str]:
    """Return the names of the result fields; instant delivery uses lower case."""
    return ("resultcode", "resultmsg") if event.startswith("transport_") else ("ResultCode", "ResultMsg")
