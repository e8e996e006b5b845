"""Replies as messages of a WeCom application (WeCom reference 3.1)."""

from typing import Any, Final

from wxbus.wechat.replies.fields import without_empty
from wxbus.wechat.replies.reply import (
    AnyReply,
    CorpNews,
    File,
    Image,
    Markdown,
    MiniProgramNotice,
    News,
    TemplateCard,
    Text,
    TextCard,
    Video,
    Voice,
)

TEXT_BYTES: Final = 2048
TITLE_BYTES: Final = 128
DESCRIPTION_BYTES: Final = 512
URL_BYTES: Final = 2048
AUTHOR_BYTES: Final = 64
ARTICLE_BYTES: Final = 666 * 1024
MAX_ARTICLES: Final = 8


def application_message(reply: AnyReply) -> dict[str, Any]:
    """Return `msgtype` and content of the message with a reply, for `message/send` and `appchat/send`.

    Raises:
        ValueError: An application cannot send it, or it exceeds a limit; the text names both.
    """
    name = "mpnews" if isinstance(reply, CorpNews) else reply.kind
    return {"msgtype": name, name: _content(reply)}


def _content(reply: AnyReply) -> dict[str, Any]:  # noqa: PLR0911 - one return for each kind
    match reply:
        case Text():
            return {"content": within("text", reply.content, TEXT_BYTES)}
        case Markdown():
            return {"content": within("markdown", reply.content, TEXT_BYTES)}
        case Image() | Voice() | File():
            return {"media_id": reply.media_id}
        case Video():
            title = within("title of a video", reply.title, TITLE_BYTES)
            description = within("description of a video", reply.description, DESCRIPTION_BYTES)
            return {"media_id": reply.media_id, **without_empty(title=title, description=description)}
        case TextCard():
            return {
                "title": within("title of a textcard", reply.title, TITLE_BYTES),
                "description": within("description of a textcard", reply.description, DESCRIPTION_BYTES),
                "url": within("url of a textcard", reply.url, URL_BYTES),
                **without_empty(btntxt=reply.button),
            }
        case News():
            return {"articles": _news(reply)}
        case CorpNews():
            return {"articles": _corp_news(reply)}
        case MiniProgramNotice():
            return {
                "appid": reply.appid,
                "title": reply.title,
                **without_empty(page=reply.page, description=reply.description),
                "emphasis_first_item": reply.emphasize_first,
                "content_item": [{"key": name, "value": value} for name, value in reply.items.items()],
            }
        case TemplateCard():
            return dict(reply.card)
    raise ValueError(f"{reply.kind} cannot be a message of a WeCom application")


def within(name: str, text: str, limit: int) -> str:
    """Return the text if it has at most `limit` bytes in UTF-8; raises ValueError."""
    if (size := len(text.encode())) > limit:
        raise ValueError(f"{name} of {size} bytes; the limit of WeCom is {limit}")
    return text


def _news(reply: News) -> list[dict[str, str]]:
    if len(reply.articles) > MAX_ARTICLES:
        raise ValueError(f"news of {len(reply.articles)} articles; the limit of WeCom is {MAX_ARTICLES}")
    return [
        {
            "title": within("title of an article", article.title, TITLE_BYTES),
            **without_empty(
                description=within("description of an article", article.description, DESCRIPTION_BYTES),
                url=within("url of an article", article.url, URL_BYTES),
                picurl=article.picture_url,
            ),
        }
        for article in reply.articles
    ]


def _corp_news(reply: CorpNews) -> list[dict[str, str]]:
    return [
        {
            "title": within("title of an article", article.title, TITLE_BYTES),
            "thumb_media_id": article.thumb_media_id,
            "content": within("content of an article", article.content, ARTICLE_BYTES),
            **without_empty(
                author=within("author of an article", article.author, AUTHOR_BYTES),
                content_source_url=article.source_url,
                digest=within("digest of an article", article.digest, DESCRIPTION_BYTES),
            ),
        }
        for article in reply.articles
    ]
