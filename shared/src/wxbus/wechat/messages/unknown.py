"""Messages and events that wxbus has no model for, or that do not fit their model."""

from typing import Any, Self

from pydantic import Field, model_validator

from wxbus.wechat.documents.document import RAW_BODY, Document, scalar_at, text
from wxbus.wechat.messages.base import ComponentEvent, Event, Message, UserMessage


class _Unknown(Message):
    """Keeps the whole document; absent header fields are "" or 0."""

    document: dict[str, Any] = Field(default_factory=dict, alias="document", repr=False)
    """All members under WeChat's names; of an ambiguous body, the trusted ones."""

    @property
    def raw_body(self) -> str:
        """Return the raw body if it is ambiguous, otherwise ""."""
        return text(self.document, RAW_BODY)

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Return the message with this document."""
        created = _first(document, "CreateTime", "send_time", "create_time")
        header = {
            "to_user": _first(document, "ToUserName", "open_kfid", "aibotid"),
            "from_user": _first(document, "FromUserName", "external_userid", "from.userid"),
            "created_at": int(created) if created.isascii() and created.isdigit() and len(created) <= 18 else 0,
            "msg_type": _first(document, "MsgType", "msgtype"),
            "msg_id": _first(document, "MsgId", "msgid"),
            "event": _first(document, "Event", "InfoType", "event.event_type", "event.eventtype"),
            "app_id": text(document, "AppId"),
        }
        known = {name: value for name, value in header.items() if name in cls.model_fields}
        return cls.model_validate({**known, "document": document})

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, data: Any) -> Any:
        # The union validates the document itself; `from_document` passes it as a member.
        if isinstance(data, dict) and not isinstance(data.get("document"), dict):
            return dict(cls.from_document(data))
        return data


def _first(document: Document, *paths: str) -> str:
    """Return the first of these that is present: pushes of customer service and robots have other names."""
    return next(filter(None, (scalar_at(document, path) for path in paths)), "")


class UnknownMessage(_Unknown, UserMessage):
    """A message of an unknown type, or one that does not fit its model."""


class UnknownEvent(_Unknown, Event):
    """An unknown event, or one that does not fit its model."""


class UnknownComponentEvent(_Unknown, ComponentEvent):
    """An unknown event of a third-party platform, or one that does not fit its model."""
