"""Replies: what a handler returns, as a passive answer or as a customer-service message (protocol reference 7 and 9.1).

    return reply.Text("Welcome back.")

A reply does not say which way it goes. Numbers that WeChat changes from time to time are parameters.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from wxbus.wechat.base import Event, Message

SUCCESS: Final = b"success"
"""The answer that shows nothing and stops WeChat's retries; never encrypted (protocol reference 2.1)."""

Required = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Text:
    """Text; `<a href="...">` links work."""

    content: Required
    kind: Literal["text"] = Field(default="text", kw_only=True)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that was uploaded before."""

    media_id: Required
    kind: Literal["image"] = Field(default="image", kw_only=True)


@dataclass(frozen=True, slots=True)
class Voice:
    """A recording that was uploaded before."""

    media_id: Required
    kind: Literal["voice"] = Field(default="voice", kw_only=True)


@dataclass(frozen=True, slots=True)
class Video:
    """A film that was uploaded before; as a customer-service message it needs a thumb."""

    media_id: Required
    title: str = ""
    description: str = ""
    thumb_media_id: str = ""
    kind: Literal["video"] = Field(default="video", kw_only=True)


@dataclass(frozen=True, slots=True)
class Music:
    """Music at an address."""

    thumb_media_id: Required
    title: str = ""
    description: str = ""
    url: str = ""
    hq_url: str = ""
    """Played instead of `url` over Wi-Fi."""
    kind: Literal["music"] = Field(default="music", kw_only=True)


@dataclass(frozen=True, slots=True)
class Article:
    """One card of `News`."""

    title: Required
    description: str = ""
    url: str = ""
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """Cards that open an address; a customer-service message takes exactly one."""

    articles: Annotated[tuple[Article, ...], Field(min_length=1)]
    kind: Literal["news"] = Field(default="news", kw_only=True)


@dataclass(frozen=True, slots=True)
class TransferToCustomerService:
    """Hands the user's message to the human customer service; as a passive answer only."""

    kf_account: str = ""
    """Official Accounts: hand it to this one."""
    kind: Literal["transfer_customer_service"] = Field(default="transfer_customer_service", kw_only=True)


@dataclass(frozen=True, slots=True)
class Success:
    """Nothing for the user to see; as a passive answer it is `SUCCESS`, with no document around it."""

    kind: Literal["success"] = Field(default="success", kw_only=True)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line to tap; the tap comes back as text with its id in `bizmsgmenuid`."""

    id: Required
    content: Required


@dataclass(frozen=True, slots=True)
class Menu:
    """A question with lines to tap."""

    items: Annotated[tuple[MenuItem, ...], Field(min_length=1)]
    head: str = ""
    tail: str = ""
    kind: Literal["msgmenu"] = Field(default="msgmenu", kw_only=True)


@dataclass(frozen=True, slots=True)
class MiniProgramPage:
    """A card that opens a page of a Mini Program."""

    title: Required
    page_path: Required
    thumb_media_id: Required
    """520 x 416 pixels."""
    appid: str = ""
    """Official Accounts need it; a Mini Program sends its own pages only."""
    kind: Literal["miniprogrampage"] = Field(default="miniprogrampage", kw_only=True)


@dataclass(frozen=True, slots=True)
class Link:
    """A card that opens an address; Mini Programs only."""

    title: Required
    description: str
    url: Required
    thumb_url: str = ""
    kind: Literal["link"] = Field(default="link", kw_only=True)


@dataclass(frozen=True, slots=True)
class Card:
    """A card or coupon."""

    card_id: Required
    kind: Literal["wxcard"] = Field(default="wxcard", kw_only=True)


@dataclass(frozen=True, slots=True)
class MpNews:
    """An article by its media id; WeChat advises `MpNewsArticle` instead."""

    media_id: Required
    kind: Literal["mpnews"] = Field(default="mpnews", kw_only=True)


@dataclass(frozen=True, slots=True)
class MpNewsArticle:
    """A published article."""

    article_id: Required
    kind: Literal["mpnewsarticle"] = Field(default="mpnewsarticle", kw_only=True)


@plain_dataclass(frozen=True, slots=True)
class Answer:
    """What WeChat itself is answered to an event that wants it (protocol reference 4.4); no user sees it.

    return reply.Answer({"WayBillID": "88001"})
    """

    fields: Mapping[str, Any]
    """Under WeChat's names, text, numbers and structures of these; success and the header need not be said."""


PassiveReply: TypeAlias = Text | Image | Voice | Video | Music | News | TransferToCustomerService
"""What can answer a push."""

CustomerServiceReply: TypeAlias = (
    Text | Image | Voice | Video | Music | News | Menu | MiniProgramPage | Link | Card | MpNews | MpNewsArticle
)
"""What can be sent at any time within WeChat's window."""

AnyReply: TypeAlias = PassiveReply | CustomerServiceReply | Success

_REPLY: Final[TypeAdapter[AnyReply]] = TypeAdapter(Annotated[AnyReply, Field(discriminator="kind")])


def reply_to_json(reply: AnyReply) -> bytes:
    """Return the reply as UTF-8 JSON, to be stored."""
    return _REPLY.dump_json(reply)


def reply_from_json(stored: bytes | str) -> AnyReply:
    """Return the reply that `reply_to_json` stored, or raise ValueError."""
    return _REPLY.validate_json(stored)


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What WeChat takes in a passive answer; more makes it tell the user that the service is out of order."""

    text_bytes: int = 2048
    """UTF-8 (protocol reference 7; the official number is not confirmed)."""
    articles_for_message: int = 1
    articles_for_event: int = 8


DEFAULT_LIMITS: Final = Limits()


def passive(
    reply: AnyReply, message: Message, *, created_at: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> dict[str, Any]:
    """Return the document of a passive answer to `message`, ready for `codec.render` (protocol reference 7).

    Args:
        reply: One of `PassiveReply`.
        message: What it answers: sender and receiver change places.
        created_at: Seconds since the epoch; None: now.
        limits: What WeChat takes.

    Raises:
        ValueError: No passive answer of this kind exists, or it exceeds a limit.
    """
    answers_event = isinstance(message, Event)
    if isinstance(reply, Text) and (size := len(reply.content.encode())) > limits.text_bytes:
        raise ValueError(f"text of {size} bytes; a passive answer takes {limits.text_bytes}, see split_text")
    if isinstance(reply, News):
        most = limits.articles_for_event if answers_event else limits.articles_for_message
        if len(reply.articles) > most:
            raise ValueError(f"{len(reply.articles)} articles; this passive answer takes {most}")
    if answers_event and reply.kind == "transfer_customer_service":
        raise ValueError("transfer_customer_service answers users' messages, never events")
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
            return {"Video": {"MediaId": reply.media_id, **_given(Title=reply.title, Description=reply.description)}}
        case Music():
            given = _given(
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
    raise ValueError(f"{reply.kind} is no passive answer with a document")


def customer_service(
    reply: AnyReply,
    openid: str,
    *,
    kf_account: str | None = None,
    ai_generated: bool | None = None,
    business_id: str | None = None,
) -> dict[str, Any]:
    """Return the JSON payload that sends `reply` to a user (protocol reference 9.1).

    Args:
        reply: One of `CustomerServiceReply`.
        openid: The user.
        kf_account: Send it in the name of this human.
        ai_generated: Whether to mark it as made by a machine; None: say nothing about it.
        business_id: Sub-merchant of a Mini Program.

    Raises:
        ValueError: No customer-service message of this kind exists. Sizes are WeChat's to judge (45002, 45008).
    """
    payload: dict[str, Any] = {
        "touser": openid,
        "msgtype": reply.kind,
        reply.kind: _customer_service_fields(reply),
    }
    if kf_account is not None:
        payload["customservice"] = {"kf_account": kf_account}
    if ai_generated is not None:
        payload["aimsgcontext"] = {"is_ai_msg": int(ai_generated)}
    if business_id is not None:
        payload["businessid"] = business_id
    return payload


def _customer_service_fields(reply: AnyReply) -> dict[str, Any]:  # noqa: PLR0911 - one return for each kind
    match reply:
        case Text():
            return {"content": reply.content}
        case Image() | Voice() | MpNews():
            return {"media_id": reply.media_id}
        case Video():
            given = _given(title=reply.title, description=reply.description)
            return {"media_id": reply.media_id, "thumb_media_id": reply.thumb_media_id, **given}
        case Music():
            return {
                "title": reply.title,
                "description": reply.description,
                "musicurl": reply.url,
                **_given(hqmusicurl=reply.hq_url),
                "thumb_media_id": reply.thumb_media_id,
            }
        case News():
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
            return {**_given(head_content=reply.head), "list": items, **_given(tail_content=reply.tail)}
        case MiniProgramPage():
            return {
                "title": reply.title,
                **_given(appid=reply.appid),
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
    raise ValueError(f"{reply.kind} is no customer-service message")


def _given(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def split_text(text: str, limit: int = 2048) -> list[str]:
    """Return `text` in parts of at most `limit` bytes of UTF-8, cut between characters (protocol reference 13, trap 8).

    Raises:
        ValueError: `limit` is less than 4, the bytes of the largest character.
    """
    if limit < 4:
        raise ValueError(f"limit must be at least 4 bytes, not {limit}")
    encoded = text.encode()
    parts = []
    start = 0
    while start < len(encoded):
        end = min(start + limit, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        parts.append(encoded[start:end].decode())
        start = end
    return parts
