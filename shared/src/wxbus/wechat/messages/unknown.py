"""Messages and events that wxbus has no model for, or that do not fit their model."""

from typing import Any, Self

from pydantic import Field, model_validator

from wxbus.wechat.documents.document import RAW_BODY, Document, text
from wxbus.wechat.messages.base import ComponentEvent, Event, Message, UserMessage


class _Whole(Message):
    """Keeps the whole document, whatever is in it; what a header lacks is "" or 0."""

    document: dict[str, Any] = Field(default_factory=dict, alias="document", repr=False)
    """Everything WeChat sent, under WeChat's names; of a body that cannot be read, what is certain."""

    @property
    def raw_body(self) -> str:
        """Return the body as WeChat sent it if its text allows more than one reading, else ""."""
        return text(self.document, RAW_BODY)

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Return the message that keeps this document."""
        created = text(document, "CreateTime")
        header = {
            "to_user": text(document, "ToUserName"),
            "from_user": text(document, "FromUserName"),
            "created_at": int(created) if created.isascii() and created.isdigit() and len(created) <= 18 else 0,
            "msg_type": text(document, "MsgType"),
            "msg_id": text(document, "MsgId"),
            "event": text(document, "Event") or text(document, "InfoType"),
            "app_id": text(document, "AppId"),
        }
        known = {name: value for name, value in header.items() if name in cls.model_fields}
        return cls.model_validate({**known, "document": document})

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, data: Any) -> Any:
        # The union comes here with the document itself; everybody else has put it under its name.
        if isinstance(data, dict) and not isinstance(data.get("document"), dict):
            return dict(cls.from_document(data))
        return data


class UnknownMessage(_Whole, UserMessage):
    """A message of a type that this version does not know, or that is not as we know it."""


class UnknownEvent(_Whole, Event):
    """An event that this version does not know, or that is not as we know it."""


class UnknownComponentEvent(_Whole, ComponentEvent):
    """A third-party platform's event that this version does not know, or that is not as we know it."""
