"""Messages of tests in WeChat's form."""

from typing import Any

from wxbus.wechat import Message
from wxbus.wechat.documents.document import Document, Value


def document_of(message: Message) -> Document:
    """Return a message as WeChat sends it: with its names of fields, all values as text."""
    whole = getattr(message, "document", None)
    if isinstance(whole, dict):
        return whole
    return {name: as_text(value) for name, value in message.model_dump(by_alias=True, exclude_none=True).items()}


def as_text(value: Any) -> Value:
    """Return a value as it is in a document, where all scalars are text."""
    if isinstance(value, dict):
        return {name: as_text(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
