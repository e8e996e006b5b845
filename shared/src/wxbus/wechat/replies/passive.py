"""Replies as the HTTP response to a push (protocol reference 7)."""

import time
from dataclasses import dataclass
from typing import Any, Final

from wxbus.wechat.messages.base import Event, Message
from wxbus.wechat.replies.reply import (
    AnyReply,
    Image,
    Music,
    News,
    Text,
    TransferToCustomerService,
    Video,
    Voice,
    without_empty,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a passive reply. Above them, WeChat tells the user that the service is out of order."""

    text_bytes: int = 2048
    """Bytes of UTF-8 (protocol reference 7; the official number is not confirmed)."""
    articles_for_message: int = 1
    articles_for_event: int = 8


DEFAULT_LIMITS: Final = Limits()


def passive_reply(
    reply: AnyReply, message: Message, *, created_at: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> dict[str, Any]:
    """Return the document of a passive reply to `message`, ready for `codec.render` (protocol reference 7).

    Args:
        reply: A `PassiveReply`.
        message: The push; the reply swaps its sender and receiver.
        created_at: Seconds since the epoch; None: now.
        limits: Limits of WeChat.

    Raises:
        ValueError: The reply cannot be passive, or exceeds a limit.
    """
    is_event = isinstance(message, Event)
    if isinstance(reply, Text) and (size := len(reply.content.encode())) > limits.text_bytes:
        raise ValueError(f"text of {size} bytes; the limit of a passive reply is {limits.text_bytes}, see long_text")
    if isinstance(reply, News):
        most = limits.articles_for_event if is_event else limits.articles_for_message
        if len(reply.articles) > most:
            raise ValueError(f"{len(reply.articles)} articles; the limit of this passive reply is {most}")
    if is_event and reply.kind == "transfer_customer_service":
        raise ValueError("transfer_customer_service replies to messages, not to events")
    return {
        "ToUserName": message.from_user,
        "FromUserName": message.to_user,
        "CreateTime": int(time.time()) if created_at is None else created_at,
        "MsgType": reply.kind,
        **_passive_fields(reply),
    }


def _passive_fields(reply: AnyReply) -> dict[str, Any]:
    match reply:
        case Text():
            return {"Content": reply.content}
        case Image() | Voice():
            return {type(reply).__name__: {"MediaId": reply.media_id}}
        case Video():
            return {
                "Video": {"MediaId": reply.media_id, **without_empty(Title=reply.title, Description=reply.description)}
            }
        case Music():
            given = without_empty(
                Title=reply.title, Description=reply.description, MusicUrl=reply.url, HQMusicUrl=reply.hq_url
            )
            return {"Music": {**given, "ThumbMediaId": reply.thumb_media_id}}
        case News():
            articles = [
                {
                    "Title": article.title,
                    "Description": article.description,
                    "PicUrl": article.picture_url,
                    "Url": article.url,
                }
                for article in reply.articles
            ]
            return {"ArticleCount": len(articles), "Articles": articles}
        case TransferToCustomerService():
            return {"TransInfo": {"KfAccount": reply.kf_account}} if reply.kf_account else {}
    raise ValueError(f"{reply.kind} has no document as a passive reply")
