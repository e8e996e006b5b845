"""Replies as customer-service messages (protocol reference 9.1)."""

from typing import Any

from wxbus.wechat.replies.fields import without_empty
from wxbus.wechat.replies.reply import (
    AnyReply,
    Card,
    Image,
    Link,
    Menu,
    MiniProgramPage,
    MpNews,
    MpNewsArticle,
    Music,
    News,
    Text,
    Video,
    Voice,
)


def customer_service_message(reply: AnyReply, openid: str, *, kf_account: str | None = None) -> dict[str, Any]:
    """Return the JSON payload that sends `reply` to a user (protocol reference 9.1).

    Args:
        reply: A `CustomerServiceReply`.
        openid: The user.
        kf_account: Send it in the name of this customer-service account.

    Raises:
        ValueError: The reply cannot be a customer-service message, or has too many articles. WeChat checks other
            limits (45002).
    """
    payload: dict[str, Any] = {"touser": openid, **message_fields(reply)}
    if kf_account is not None:
        payload["customservice"] = {"kf_account": kf_account}
    return payload


def message_fields(reply: AnyReply) -> dict[str, Any]:
    """Return the part of the payload that is the message; raises ValueError as `customer_service_message` does."""
    return {"msgtype": reply.kind, reply.kind: _customer_service_fields(reply)}


def _customer_service_fields(reply: AnyReply) -> dict[str, Any]:  # noqa: PLR0911 - one return for each kind
    match reply:
        case Text():
            return {"content": reply.content}
        case Image() | Voice() | MpNews():
            return {"media_id": reply.media_id}
        case Video():
            given = without_empty(title=reply.title, description=reply.description)
            return {"media_id": reply.media_id, "thumb_media_id": reply.thumb_media_id, **given}
        case Music():
            return {
                "title": reply.title,
                "description": reply.description,
                "musicurl": reply.url,
                **without_empty(hqmusicurl=reply.hq_url),
                "thumb_media_id": reply.thumb_media_id,
            }
        case News():
            if len(reply.articles) > 1:
                raise ValueError(
                    f"news of {len(reply.articles)} articles; the limit of a customer-service message is 1"
                )
            return {
                "articles": [
                    {
                        "title": article.title,
                        "description": article.description,
                        "url": article.url,
                        "picurl": article.picture_url,
                    }
                    for article in reply.articles
                ]
            }
        case Menu():
            items = [{"id": item.id, "content": item.content} for item in reply.items]
            return {**without_empty(head_content=reply.head), "list": items, **without_empty(tail_content=reply.tail)}
        case MiniProgramPage():
            return {
                "title": reply.title,
                **without_empty(appid=reply.appid),
                "pagepath": reply.page_path,
                "thumb_media_id": reply.thumb_media_id,
            }
        case Link():
            return {
                "title": reply.title,
                "description": reply.description,
                "url": reply.url,
                "thumb_url": reply.thumb_url,
            }
        case Card():
            return {"card_id": reply.card_id}
        case MpNewsArticle():
            return {"article_id": reply.article_id}
    raise ValueError(f"{reply.kind} cannot be a customer-service message")
