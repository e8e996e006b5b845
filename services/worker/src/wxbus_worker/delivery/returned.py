"""Turns the result of a handler into replies, and its own answer to WeChat."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from wxbus.accounts.models import Account
from wxbus.errors import Reject
from wxbus.wechat import Event
from wxbus.wechat.documents.document import Document
from wxbus.wechat.replies.event_response import response_document
from wxbus.wechat.replies.long_text import split_text
from wxbus.wechat.replies.passive import TEXT_BYTES
from wxbus.wechat.replies.reply import AnyReply, EventResponse, Success, Text
from wxbus.wechat.replies.robot import TEXT_BYTES as ROBOT_BYTES
from wxbus_worker.delivery.job import Handled, Routed
from wxbus_worker.handlers.call import HandlerCall
from wxbus_worker.handlers.return_types import PASSIVE_ONLY, RULE, SENDABLE, UPLOADED
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.uploads import MediaFile


async def uploaded(returned: object, call: HandlerCall) -> object:
    """Upload each file with the client of the call; return the same with the media in place of the files."""
    if isinstance(returned, list | tuple):
        return [await uploaded(one, call) for one in returned]
    return await cast("MediaFile", returned).upload(call.client) if isinstance(returned, UPLOADED) else returned


def handled_of(returned: object, routed: Routed, route: Route) -> Handled:
    """Return the replies of a handler's result: None and `Success` are no reply, long text becomes several replies.

    Raises:
        Reject: It is not a reply.
        ValidationError: It is an empty str.
    """
    several = isinstance(returned, list | tuple)
    limit = ROBOT_BYTES if routed.decoded.account.is_robot else TEXT_BYTES
    replies: list[AnyReply] = []
    answer: dict[str, Any] | None = None
    for one in cast("Sequence[Any]", returned if several else (returned,)):
        if isinstance(one, str | Text):
            text = Text(one) if isinstance(one, str) else one
            first, *rest = split_text(text.content, limit)
            replies += [replace(text, content=first), *map(Text, rest)] if rest else [text]
        elif isinstance(one, (*SENDABLE, *PASSIVE_ONLY)):
            replies.append(cast("AnyReply", one))
        elif isinstance(one, EventResponse):
            answer = _answer_document(routed, routed.decoded.account, routed.decoded.job.document, route, one)
        elif one is not None and not isinstance(one, Success):
            inside = f"a {type(returned).__name__} with " if several else ""
            raise Reject(f"handler {route.name} returned {inside}{type(one).__name__}; {RULE}")
    return Handled(tuple(replies), answer)


def _answer_document(
    routed: Routed, account: Account, document: Document, route: Route, answer: EventResponse
) -> dict[str, Any]:
    """Return the document of a handler's own answer to WeChat."""
    message = routed.message
    if not isinstance(message, Event) or not account.is_synchronous(message.event):
        raise Reject(
            f"handler {route.name} returned an Answer to {type(message).__name__}, which is not listed under "
            f"`synchronous` of account {account.name}"
        )
    try:
        return response_document(answer.fields, document)
    except ValueError as exc:
        raise Reject(f"handler {route.name}: {exc}") from exc
