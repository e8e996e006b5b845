"""Writes the conversation into a context: what users sent, and what was delivered to them."""

from collections.abc import Sequence
from typing import Any

from wxbus.wechat.documents.codec import document_to_json
from wxbus.wechat.documents.document import Document
from wxbus.wechat.replies.reply import AnyReply, reply_to_json
from wxbus_worker.context.context import Context


def record(context: Context[Any], document: Document, replies: Sequence[AnyReply], *, received_at: float) -> None:
    """Add a message and its replies to the context; `received_at` in seconds since the epoch.

    Without a document only the replies are added: the user has sent nothing.
    """
    if document:
        context._requests.append(document_to_json(document))
        context._last_active = received_at
    context._responses.extend(map(reply_to_json, replies))
    if (limit := context._policy.max_record_count) > 0:
        del context._requests[:-limit]
        del context._responses[:-limit]


def record_sent(context: Context[Any], reply: AnyReply) -> None:
    """Add a message that the handler has sent itself."""
    context._responses.append(reply_to_json(reply))


def correct_record(context: Context[Any], reply: AnyReply, instead: AnyReply | None) -> None:
    """Remove a reply that was not delivered from the context, or replace it by the reply that was delivered."""
    stored, responses = reply_to_json(reply), context._responses
    for index in range(len(responses) - 1, -1, -1):
        if responses[index] == stored:
            responses[index : index + 1] = [] if instead is None else [reply_to_json(instead)]
            return
