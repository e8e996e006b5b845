"""Replies as the HTTP response to a push (protocol reference 7)."""

import time
from typing import Any, Final

from wxbus.wechat.messages.base import Event, Message
from wxbus.wechat.replies.fields import without_empty
from wxbus.wechat.replies.reply import (
    AnyReply,
    Image,
    Music,
    News,
    Text,
    TransferToCustomerService,
    Video,
    Voice,
)

TEXT_BYTES: Final = 2048
"""Limit of a text in bytes of UTF-8 (protocol reference 7; the official number is not confirmed).

Above a limit, WeChat tells the user that the service is out of order.
"""
ARTICLES_FOR_MESSAGE: Final = 1
ARTICLES_FOR_EVENT: Final = 8


def passive_reply(reply: AnyReply, message: Message, *, created_at: int | None = None) -> dict[str, Any]:
    """Return the document of a passive reply to `message`, ready for `codec.render` (protocol reference 7).

    Args:
        reply: A `PassiveReply`.
        message: The push; the reply swaps its sender and receiver.
        created_at: Seconds since the epoch; None: now.

    Raises:
        ValueError: The reply cannot be passive, or exceeds a limit.
    """
    is_event = isinstance(message, Event)
    if isinstance(reply, Text) and (size := len(reply.content.encode())) > TEXT_BYTES:
        raise ValueError(f"text of {size} bytes; the limit of a passive reply is {TEXT_BYTES}, see long_text")
    if isinstance(reply, News):
        limit = ARTICLES_FOR_EVENT if is_event else ARTICLES_FOR_MESSAGE
        if len(reply.articles) > limit:
            raise ValueError(f"{len(reply.articles)} articles; the limit of this passive reply is {limit}")
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
