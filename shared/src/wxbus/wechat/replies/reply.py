"""Replies that a handler returns (protocol reference 7, 9.1 and 9.3).

    return reply.Text("Welcome back.")

A reply is independent of its channel; `passive` and `customer_service` render it.
"""

from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic_core import to_json

from wxbus.wechat.replies.fields import Required, reply_class
from wxbus.wechat.replies.sockets import JoinGroup as JoinGroup
from wxbus.wechat.replies.sockets import LeaveGroup as LeaveGroup
from wxbus.wechat.replies.sockets import Push as Push
from wxbus.wechat.replies.sockets import SocketReply
from wxbus.wechat.replies.templates import SubscribeMessage as SubscribeMessage
from wxbus.wechat.replies.templates import SubscribeNotice as SubscribeNotice
from wxbus.wechat.replies.templates import TemplateMessage as TemplateMessage
from wxbus.wechat.replies.templates import TemplateReply, WithFallback
from wxbus.wechat.replies.wecom import CorpArticle as CorpArticle
from wxbus.wechat.replies.wecom import CorpNews as CorpNews
from wxbus.wechat.replies.wecom import File as File
from wxbus.wechat.replies.wecom import Markdown as Markdown
from wxbus.wechat.replies.wecom import MiniProgramNotice as MiniProgramNotice
from wxbus.wechat.replies.wecom import TemplateCard as TemplateCard
from wxbus.wechat.replies.wecom import TextCard as TextCard
from wxbus.wechat.replies.wecom import WeComReply


@reply_class
class Text(WithFallback):
    """Text; `<a href="...">` links work."""

    content: Required
    kind: Literal["text"] = Field(default="text", kw_only=True)


@reply_class
class Image(WithFallback):
    """An uploaded image."""

    media_id: Required
    kind: Literal["image"] = Field(default="image", kw_only=True)


@reply_class
class Voice(WithFallback):
    """An uploaded voice message."""

    media_id: Required
    kind: Literal["voice"] = Field(default="voice", kw_only=True)


@reply_class
class Video(WithFallback):
    """An uploaded video; a customer-service message needs `thumb_media_id`."""

    media_id: Required
    title: str = ""
    description: str = ""
    thumb_media_id: str = ""
    kind: Literal["video"] = Field(default="video", kw_only=True)


@reply_class
class Music(WithFallback):
    """Music at a URL."""

    thumb_media_id: Required
    title: str = ""
    description: str = ""
    url: str = ""
    hq_url: str = ""
    """Played instead of `url` over Wi-Fi."""
    kind: Literal["music"] = Field(default="music", kw_only=True)


@reply_class
class Article:
    """A card of `News`."""

    title: Required
    description: str = ""
    url: str = ""
    picture_url: str = ""


@reply_class
class News(WithFallback):
    """Cards that open a URL; a customer-service message has exactly one."""

    articles: Annotated[tuple[Article, ...], Field(min_length=1)]
    kind: Literal["news"] = Field(default="news", kw_only=True)


@reply_class
class TransferToCustomerService:
    """Transfers the user's message to human customer service; passive replies only."""

    kf_account: str = ""
    """Official Accounts: the customer-service account that gets it."""
    kind: Literal["transfer_customer_service"] = Field(default="transfer_customer_service", kw_only=True)


@reply_class
class Success:
    """Shows nothing to the user; as a passive reply it is `success` without a document."""

    kind: Literal["success"] = Field(default="success", kw_only=True)


@reply_class
class MenuItem:
    """An item to tap; a tap arrives as a text message with the id in `menu_id`."""

    id: Required
    content: Required


@reply_class
class Menu(WithFallback):
    """A question with items to tap."""

    items: Annotated[tuple[MenuItem, ...], Field(min_length=1)]
    head: str = ""
    tail: str = ""
    kind: Literal["msgmenu"] = Field(default="msgmenu", kw_only=True)


@reply_class
class MiniProgramPage(WithFallback):
    """A card that opens a page of a Mini Program."""

    title: Required
    page_path: Required
    thumb_media_id: Required
    """520 x 416 pixels."""
    appid: str = ""
    """Required for Official Accounts; a Mini Program can send only its own pages."""
    kind: Literal["miniprogrampage"] = Field(default="miniprogrampage", kw_only=True)


@reply_class
class Link(WithFallback):
    """A card that opens a URL; Mini Programs and WeChat Customer Service only."""

    title: Required
    description: str
    url: Required
    thumb_url: str = ""
    """Of a Mini Program."""
    thumb_media_id: str = ""
    """Of WeChat Customer Service."""
    kind: Literal["link"] = Field(default="link", kw_only=True)


@reply_class
class Card(WithFallback):
    """A card or coupon."""

    card_id: Required
    kind: Literal["wxcard"] = Field(default="wxcard", kw_only=True)


@reply_class
class MpNews(WithFallback):
    """An article by its media id; WeChat recommends `MpNewsArticle`."""

    media_id: Required
    kind: Literal["mpnews"] = Field(default="mpnews", kw_only=True)


@reply_class
class MpNewsArticle(WithFallback):
    """A published article."""

    article_id: Required
    kind: Literal["mpnewsarticle"] = Field(default="mpnewsarticle", kw_only=True)


@plain_dataclass(frozen=True, slots=True)
class EventResponse:
    """The response to a synchronous event (protocol reference 4.4); the user does not see it.

    return reply.EventResponse({"WayBillID": "88001"})
    """

    fields: Mapping[str, Any]
    """Text, numbers and structures under WeChat's names. Success and the header are added."""


PassiveReply: TypeAlias = Text | Image | Voice | Video | Music | News | TransferToCustomerService
"""Replies that can be passive."""

CustomerServiceReply: TypeAlias = (
    Text | Image | Voice | Video | Music | News | Menu | MiniProgramPage | Link | Card | MpNews | MpNewsArticle
)
"""Replies that can be sent at any time within WeChat's window."""

AnyReply: TypeAlias = PassiveReply | CustomerServiceReply | TemplateReply | WeComReply | SocketReply | Success

_REPLY: Final[TypeAdapter[AnyReply]] = TypeAdapter(
    Annotated[AnyReply, Field(discriminator="kind")], config=ConfigDict(defer_build=True)
)


def reply_to_json(reply: AnyReply) -> bytes:
    """Return the reply as UTF-8 JSON for storage."""
    return to_json(reply, exclude_none=True)


def reply_from_json(stored: bytes | str) -> AnyReply:
    """Return the reply that `reply_to_json` stored; raises ValueError."""
    return _REPLY.validate_json(stored, extra="ignore")  # a later release may have added members
