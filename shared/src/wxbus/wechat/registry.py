"""Finds the model of a push by the table `models.csv`, and imports its module at its first use.

`make reference` writes the table: it has the class, module and tags of each model. All of them are a sixth of a
worker's start, and it uses few.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import SerializeAsAny, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from wxbus.wechat.documents.document import RAW_BODY, Document, scalar_at, text
from wxbus.wechat.messages.base import ComponentEvent, Event, Message, Part
from wxbus.wechat.messages.unknown import UnknownComponentEvent, UnknownEvent, UnknownMessage

TABLE: Final = Path(__file__).with_name("models.csv")
PACKAGE: Final = "wxbus.wechat."
SERVICER: Final = "5"
"""`origin` of messages that a servicer wrote to a customer (WeCom reference 7.1)."""
EVENT_NAMES: Final = ("event.event_type", "event.eventtype", "event_type", "eventtype")
"""Paths of the event's name in events of customer service and of robots."""


@dataclass(frozen=True, slots=True)
class Row:
    """One class of the table."""

    name: str
    module: str
    """Name of the module below `wxbus.wechat`."""
    tags: tuple[str, ...]
    """Tags of the pushes that the class models; none: it is a base class, or a part of a message."""

    def load(self) -> Any:
        """Return the class."""
        return getattr(import_module(PACKAGE + self.module), self.name)


def _rows() -> Iterator[Row]:
    with TABLE.open(encoding="utf-8", newline="") as table:
        for name, module, tags in list(csv.reader(table))[1:]:
            yield Row(name, module, tuple(filter(None, tags.split(";"))))


ROWS: Final[Mapping[str, Row]] = {row.name: row for row in _rows()}
"""The rows by the name of their class."""
_BY_TAG: Final = {tag: row for row in ROWS.values() for tag in row.tags}
_TAG_BY_NAME: Final = {tag.replace(":", "_"): tag for tag in _BY_TAG}
_UNKNOWN: Final[dict[str, type[UnknownMessage | UnknownEvent | UnknownComponentEvent]]] = {
    "unknown": UnknownMessage,
    "event:unknown": UnknownEvent,
    "component:unknown": UnknownComponentEvent,
}


def tag_of(value: Any) -> str:
    """Return the tag of a document's model: `text`, `event:subscribe`, `component:authorized` ...

    WeCom's events have a model of their own for some values of `ChangeType`: `event:change_contact:create_user`.
    Messages of customer service and robots are `kf:text`, `kf:event:enter_session`, `robot:text` ...
    """
    if isinstance(value, Message):
        return _tag_of_class(type(value))
    if not isinstance(value, dict):
        return "unknown"
    kind = text(value, "MsgType").lower()
    if kind == "event":
        tag, unknown = f"event:{text(value, 'Event').lower()}", "event:unknown"
        if (change := text(value, "ChangeType")) and (of_change := f"{tag}:{change.lower()}") in _BY_TAG:
            tag = of_change
    elif kind:
        tag, unknown = kind, "unknown"
    elif kind := text(value, "msgtype").lower():
        family = "robot" if "aibotid" in value else "kf"
        names = (scalar_at(value, path).lower() for path in EVENT_NAMES)
        kind_of_message = "servicer" if text(value, "origin") == SERVICER else kind
        tag = f"{family}:event:{next(filter(None, names), '')}" if kind == "event" else f"{family}:{kind_of_message}"
        unknown = "event:unknown" if kind == "event" else "unknown"
    elif info := text(value, "InfoType"):
        tag, unknown = f"component:{info.lower()}", "component:unknown"
    else:
        return "unknown"
    return tag if tag in _BY_TAG and RAW_BODY not in value else unknown


def model_of(tag: str) -> type[Message] | None:
    """Return the model of a lower-case tag (see `tag_of`), or None."""
    return _model(tag) if tag in _BY_TAG else None


def models() -> Mapping[str, type[Message]]:
    """Return all models by tag (see `tag_of`)."""
    return {tag: _model(tag) for tag in _BY_TAG}


def model_named(name: str) -> type[Message] | None:
    """Return the model whose tag is this name of a method: `event_subscribe`, `kf_text`; or None."""
    tag = _TAG_BY_NAME.get(name)
    return None if tag is None else _model(tag)


def parse_message(document: Document) -> Message:
    """Return the message of a document; never raises.

    A document that has no model or does not fit it becomes an `UnknownMessage`, `UnknownEvent` or
    `UnknownComponentEvent` with the whole document.
    """
    tag = tag_of(document)
    if tag in _UNKNOWN:
        return _UNKNOWN[tag].from_document(document)
    model = _model(tag)
    try:
        return model.model_validate(document)
    except ValidationError:
        pass
    component = issubclass(model, ComponentEvent)
    unknown = "component:unknown" if component else "event:unknown" if issubclass(model, Event) else "unknown"
    return _UNKNOWN[unknown].from_document(document)


@cache
def _model(tag: str) -> type[Message]:
    found: type[Message] = _BY_TAG[tag].load()
    return found


def _tag_of_class(model: type[Part]) -> str:
    row = ROWS.get(model.__name__)
    return row.tags[0] if row and row.tags and model.__module__ == PACKAGE + row.module else "unknown"


def _validated(value: Any, _base: ValidatorFunctionWrapHandler) -> Message:
    return value if isinstance(value, Message) else _model(tag_of(value)).model_validate(value)


if TYPE_CHECKING:
    AnyMessage: TypeAlias = Message
else:
    AnyMessage = Annotated[SerializeAsAny[Message], WrapValidator(_validated)]
"""Any push of WeChat; `MsgType` and `Event` (or `InfoType`), case-insensitive, select the model."""
