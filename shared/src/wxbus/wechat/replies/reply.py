"""Replies: what a handler returns (protocol reference 7 and 9.1).

    return reply.Text("Welcome back.")

A reply does not say which way it goes: `passive` and `customer_service` write it for WeChat.
"""

from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

SUCCESS: Final = b"success"
"""The answer that shows nothing and stops WeChat's retries; never encrypted (protocol reference 2.1)."""

Required = Annotated[str, Field(min_length=1)]
EXACT: Final = ConfigDict(extra="forbid", hide_input_in_errors=True)
"""A misspelt field is an error: dropped in silence, users would miss it."""


@dataclass(frozen=True, slots=True, config=EXACT)
class Text:
    """Text; `<a href="...">` links work."""

    content: Required
    kind: Literal["text"] = Field(default="text", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Image:
    """A picture that was uploaded before."""

    media_id: Required
    kind: Literal["image"] = Field(default="image", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Voice:
    """A recording that was uploaded before."""

    media_id: Required
    kind: Literal["voice"] = Field(default="voice", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Video:
    """A film that was uploaded before; as a customer-service message it needs a thumb."""

    media_id: Required
    title: str = ""
    description: str = ""
    thumb_media_id: str = ""
    kind: Literal["video"] = Field(default="video", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Music:
    """Music at an address."""

    thumb_media_id: Required
    title: str = ""
    description: str = ""
    url: str = ""
    hq_url: str = ""
    """Played instead of `url` over Wi-Fi."""
    kind: Literal["music"] = Field(default="music", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Article:
    """One card of `News`."""

    title: Required
    description: str = ""
    url: str = ""
    picture_url: str = ""


@dataclass(frozen=True, slots=True, config=EXACT)
class News:
    """Cards that open an address; a customer-service message takes exactly one."""

    articles: Annotated[tuple[Article, ...], Field(min_length=1)]
    kind: Literal["news"] = Field(default="news", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class TransferToCustomerService:
    """Hands the user's message to the human customer service; as a passive answer only."""

    kf_account: str = ""
    """Official Accounts: hand it to this one."""
    kind: Literal["transfer_customer_service"] = Field(default="transfer_customer_service", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Success:
    """Nothing for the user to see; as a passive answer it is `SUCCESS`, with no document around it."""

    kind: Literal["success"] = Field(default="success", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class MenuItem:
    """One line to tap; the tap comes back as text with its id in `bizmsgmenuid`."""

    id: Required
    content: Required


@dataclass(frozen=True, slots=True, config=EXACT)
class Menu:
    """A question with lines to tap."""

    items: Annotated[tuple[MenuItem, ...], Field(min_length=1)]
    head: str = ""
    tail: str = ""
    kind: Literal["msgmenu"] = Field(default="msgmenu", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class MiniProgramPage:
    """A card that opens a page of a Mini Program."""

    title: Required
    page_path: Required
    thumb_media_id: Required
    """520 x 416 pixels."""
    appid: str = ""
    """Official Accounts need it; a Mini Program sends its own pages only."""
    kind: Literal["miniprogrampage"] = Field(default="miniprogrampage", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Link:
    """A card that opens an address; Mini Programs only."""

    title: Required
    description: str
    url: Required
    thumb_url: str = ""
    kind: Literal["link"] = Field(default="link", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class Card:
    """A card or coupon."""

    card_id: Required
    kind: Literal["wxcard"] = Field(default="wxcard", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class MpNews:
    """An article by its media id; WeChat advises `MpNewsArticle` instead."""

    media_id: Required
    kind: Literal["mpnews"] = Field(default="mpnews", kw_only=True)


@dataclass(frozen=True, slots=True, config=EXACT)
class MpNewsArticle:
    """A published article."""

    article_id: Required
    kind: Literal["mpnewsarticle"] = Field(default="mpnewsarticle", kw_only=True)


@plain_dataclass(frozen=True, slots=True)
class EventResponse:
    """What WeChat itself is answered to an event that wants it (protocol reference 4.4); no user sees it.

    return reply.EventResponse({"WayBillID": "88001"})
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
    return _REPLY.validate_json(stored, extra="ignore")  # a later release may have written more
