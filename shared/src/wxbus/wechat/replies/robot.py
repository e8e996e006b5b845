"""Answers and messages of WeCom's smart robots (WeCom reference 8.4, 8.5)."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from wxbus.wechat.messages.base import Message
from wxbus.wechat.messages.robots import RobotCardEvent, RobotEnterChatEvent, RobotMessage
from wxbus.wechat.replies.application import within
from wxbus.wechat.replies.reply import AnyReply, Markdown, TemplateCard, Text

TEXT_BYTES: Final = 20_480
"""Bytes of a whole streamed text, and of a message by `response_url`."""
RESPONSE_PATH: Final = "/cgi-bin/aibot/response"
RESPONSE_HOST: Final = "qyapi.weixin.qq.com"


def stream_answer(stream_id: str, content: str, *, finished: bool) -> dict[str, Any]:
    """Return the document that shows a text; WeCom polls for the next document until the text is finished."""
    return {"msgtype": "stream", "stream": {"id": stream_id, "finish": finished, "content": content}}


def joined(replies: Sequence[AnyReply], *, said: str = "") -> tuple[AnyReply, ...]:
    """Return replies to one message as the one reply that a robot can send: all texts after the text `said`, or a card.

    Raises:
        ValueError: There is a text and a card, several cards, or another kind of reply; or the text is too long.
    """
    texts = [reply.content for reply in replies if isinstance(reply, Text | Markdown)]
    others = [reply for reply in replies if not isinstance(reply, Text | Markdown)]
    if wrong := [other.kind for other in others if not isinstance(other, TemplateCard)]:
        raise ValueError(f"a robot cannot send {', '.join(wrong)}: it answers with text or a card")
    if len(others) > 1 or (others and (texts or said)):
        raise ValueError("the answer of a robot is either text or one card")
    if others:
        return (others[0],)
    whole = "\n\n".join(filter(None, (said, *texts)))
    return (Markdown(within("text", whole, TEXT_BYTES)),) if whole else ()


def robot_answer(reply: AnyReply, message: Message, stream_id: str) -> dict[str, Any]:
    """Return the document that answers a push of a robot; `stream_id` is for a text.

    Raises:
        ValueError: WeCom does not accept such an answer to this push.
    """
    match message, reply:
        case RobotMessage(), Text() | Markdown():
            return stream_answer(stream_id, reply.content, finished=True)
        case (RobotMessage() | RobotEnterChatEvent(), TemplateCard()):
            return {"msgtype": "template_card", "template_card": dict(reply.card)}
        case RobotEnterChatEvent(), Text() | Markdown():
            return {"msgtype": "text", "text": {"content": reply.content}}
        case RobotCardEvent(), TemplateCard():
            return {"response_type": "update_template_card", "template_card": dict(reply.card)}
    raise ValueError(f"{reply.kind} cannot be the answer of a robot to {type(message).__name__}")


def robot_message(reply: AnyReply) -> dict[str, Any]:
    """Return the body that sends a reply by `response_url`; raises ValueError for other kinds of reply."""
    match reply:
        case Text() | Markdown():
            return {"msgtype": "markdown", "markdown": {"content": within("text", reply.content, TEXT_BYTES)}}
        case TemplateCard():
            return {"msgtype": "template_card", "template_card": dict(reply.card)}
    raise ValueError(f"a robot cannot send {reply.kind}: it answers with text or a card")


def response_code_of(url: str) -> str:
    """Return the code in a `response_url`, "" if it is not an address of WeCom: no other host is ever called."""
    parts = urlsplit(url)
    if (parts.scheme, parts.hostname, parts.path) != ("https", RESPONSE_HOST, RESPONSE_PATH):
        return ""
    return parse_qs(parts.query).get("response_code", [""])[0]
