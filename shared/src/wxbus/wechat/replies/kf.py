"""Replies as messages of WeChat Customer Service (WeCom reference 7.3)."""

from typing import Any, Final

from wxbus.wechat.replies.application import DESCRIPTION_BYTES, TEXT_BYTES, TITLE_BYTES, URL_BYTES, within
from wxbus.wechat.replies.fields import without_empty
from wxbus.wechat.replies.reply import AnyReply, File, Image, Link, Menu, MiniProgramPage, Text, Video, Voice

MENU_HEAD_BYTES: Final = 1024
MENU_ITEM_BYTES: Final = 128
PAGE_TITLE_BYTES: Final = 64


def kf_message(reply: AnyReply) -> dict[str, Any]:
    """Return `msgtype` and content of the message with a reply, for `kf/send_msg`.

    Raises:
        ValueError: Customer service cannot send it, or it exceeds a limit; the text names both.
    """
    name = "miniprogram" if isinstance(reply, MiniProgramPage) else reply.kind
    return {"msgtype": name, name: _content(reply)}


def _content(reply: AnyReply) -> dict[str, Any]:
    match reply:
        case Text():
            return {"content": within("text", reply.content, TEXT_BYTES)}
        case Image() | Voice() | Video() | File():
            return {"media_id": reply.media_id}
        case Link():
            if not reply.thumb_media_id:
                raise ValueError("a link needs thumb_media_id in WeChat Customer Service")
            return {
                "title": within("title of a link", reply.title, TITLE_BYTES),
                **without_empty(desc=within("description of a link", reply.description, DESCRIPTION_BYTES)),
                "url": within("url of a link", reply.url, URL_BYTES),
                "thumb_media_id": reply.thumb_media_id,
            }
        case MiniProgramPage():
            return {
                "appid": reply.appid,
                "title": within("title of a Mini Program page", reply.title, PAGE_TITLE_BYTES),
                "thumb_media_id": reply.thumb_media_id,
                "pagepath": reply.page_path,
            }
        case Menu():
            return {
                **without_empty(head_content=within("head of a menu", reply.head, MENU_HEAD_BYTES)),
                "list": [
                    {
                        "type": "click",
                        "click": {"id": item.id, "content": within("menu item", item.content, MENU_ITEM_BYTES)},
                    }
                    for item in reply.items
                ],
                **without_empty(tail_content=reply.tail),
            }
    raise ValueError(f"{reply.kind} cannot be a message of WeChat Customer Service")
