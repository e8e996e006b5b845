"""Replies that only WeCom has (WeCom reference 3.1, 3.2). `wxbus.wechat.replies.reply` exports them.

Limits that WeCom counts in bytes are checked when the message is built; that error names the text and the limit.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from wxbus.wechat.replies.fields import Required, reply_class


@reply_class
class File:
    """An uploaded file."""

    media_id: Required
    kind: Literal["file"] = Field(default="file", kw_only=True)


@reply_class
class Markdown:
    """Text in WeCom's subset of Markdown."""

    content: Required
    kind: Literal["markdown"] = Field(default="markdown", kw_only=True)


@reply_class
class TextCard:
    """A card that opens a URL."""

    title: Required
    description: Required
    """`<div class="gray">`, `normal` and `highlight` colour parts of it."""
    url: Required
    button: str = Field(default="", max_length=4)
    """Text of the button."""
    kind: Literal["textcard"] = Field(default="textcard", kw_only=True)


@reply_class
class CorpArticle:
    """An article of `CorpNews`, which WeCom stores."""

    title: Required
    thumb_media_id: Required
    content: Required
    """HTML, at most 666 KB."""
    author: str = ""
    source_url: str = ""
    digest: str = ""


@reply_class
class CorpNews:
    """Articles that WeCom stores, WeCom's `mpnews`."""

    articles: Annotated[tuple[CorpArticle, ...], Field(min_length=1, max_length=8)]
    kind: Literal["corp_news"] = Field(default="corp_news", kw_only=True)


@reply_class
class MiniProgramNotice:
    """A notice that opens a page of a Mini Program."""

    appid: Required
    title: Annotated[str, Field(min_length=4, max_length=12)]
    page: str = ""
    description: str = ""
    items: Annotated[Mapping[str, str], Field(max_length=10)] = Field(default_factory=dict)
    """Lines of a name and a value."""
    emphasize_first: bool = False
    kind: Literal["miniprogram_notice"] = Field(default="miniprogram_notice", kw_only=True)


@reply_class
class TemplateCard:
    """A card with buttons, votes or choices; a click arrives as a `TemplateCardEvent`."""

    card: Mapping[str, Any]
    """WeCom's `template_card` with its own names, such as `card_type` (WeCom reference 3.2)."""
    kind: Literal["template_card"] = Field(default="template_card", kw_only=True)


WeComReply: TypeAlias = File | Markdown | TextCard | CorpNews | MiniProgramNotice | TemplateCard
"""Replies that an application of WeCom can send, and accounts of WeChat cannot."""
