"""Finds the model of a push among the classes of `messages.user` and `events`."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, Union

from pydantic import Discriminator, Tag, ValidationError

from wxbus.wechat.documents.document import RAW_BODY, Document, scalar_at, text
from wxbus.wechat.messages import kf, kf_events, robots, user
from wxbus.wechat.messages.base import ComponentEvent, Event, Message
from wxbus.wechat.messages.unknown import UnknownComponentEvent, UnknownEvent, UnknownMessage

SERVICER: Final = "5"
"""`origin` of what a servicer wrote to a customer (WeCom reference 7.1)."""
EVENT_NAMES: Final = ("event.event_type", "event.eventtype", "event_type", "eventtype")
"""Where the name of an event of customer service or a robot stands."""


def tag_of(value: Any) -> str:
    """Return the tag of a document's model: `text`, `event:subscribe`, `component:authorized` ...

    WeCom's events have a model of their own for some values of `ChangeType`: `event:change_contact:create_user`.
    Messages of customer service and robots are `kf:text`, `kf:event:enter_session`, `robot:text` ...
    """
    if isinstance(value, Message):
        return _TAGS.get(type(value), "unknown")
    if not isinstance(value, dict):
        return "unknown"
    kind = text(value, "MsgType").lower()
    if kind == "event":
        tag, unknown = f"event:{text(value, 'Event').lower()}", "event:unknown"
        if (change := text(value, "ChangeType")) and (of_change := f"{tag}:{change.lower()}") in _MODELS:
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
    return tag if tag in _MODELS and RAW_BODY not in value else unknown


_UNKNOWN: Final[dict[str, type[UnknownMessage | UnknownEvent | UnknownComponentEvent]]] = {
    "unknown": UnknownMessage,
    "event:unknown": UnknownEvent,
    "component:unknown": UnknownComponentEvent,
}


def _names(model: type[Message]) -> Iterator[str]:
    """Yield the tags of the names that a class declares; a base class declares none."""
    is_event = issubclass(model, Event)
    name = model.model_fields["event" if is_event else "msg_type"].default
    if isinstance(name, str):
        change = model.model_fields["change_type"].default if "change_type" in model.model_fields else ""
        suffix = f":{change}" if change else ""
        yield from (f"{model.family}{one.lower()}{suffix}" for one in (name, *model.other_names))


def _models(declared: Iterable[object]) -> dict[str, type[Message]]:
    classes = [one for one in declared if isinstance(one, type) and issubclass(one, Message)]
    return {tag: model for model in classes for tag in _names(model)}


_EVENTS: Final = import_module("wxbus.wechat.events")  # not from `wxbus.wechat`, whose names need this module
_DECLARED: Final = (one for module in (user, kf, kf_events, robots, _EVENTS) for one in vars(module).values())
_MODELS: Final = _models(_DECLARED) | _UNKNOWN
_TAGS: Final[dict[type[Message], str]] = {model: tag for tag, model in reversed(_MODELS.items())}

_BY_NAME: Final = {tag.replace(":", "_"): model for tag, model in _MODELS.items()}

if TYPE_CHECKING:
    AnyMessage: TypeAlias = Message
else:
    AnyMessage = Annotated[
        Union[tuple(Annotated[model, Tag(tag)] for tag, model in _MODELS.items())],  # noqa: UP007 - built at run time
        Discriminator(tag_of),
    ]
"""Any push of WeChat; `MsgType` and `Event` (or `InfoType`), case-insensitive, select the model.

At run time it is the union of all models, for pydantic. Type checkers see the base class.
"""


def model_of(tag: str) -> type[Message] | None:
    """Return the model of a lower-case tag (see `tag_of`), or None."""
    return _MODELS.get(tag)


def models() -> Mapping[str, type[Message]]:
    """Return all models by tag (see `tag_of`)."""
    return MappingProxyType(_MODELS)


def model_named(name: str) -> type[Message] | None:
    """Return the model whose tag is this name of a method: `event_subscribe`, `kf_text`; or None."""
    return _BY_NAME.get(name)


def parse_message(document: Document) -> Message:
    """Return the message of a document; never raises.

    A document that has no model or does not fit it becomes an `UnknownMessage`, `UnknownEvent` or
    `UnknownComponentEvent` with the whole document.
    """
    tag = tag_of(document)
    if tag in _UNKNOWN:
        return _UNKNOWN[tag].from_document(document)
    model = _MODELS[tag]
    try:
        return model.model_validate(document)
    except ValidationError:
        pass
    component = issubclass(model, ComponentEvent)
    unknown = "component:unknown" if component else "event:unknown" if issubclass(model, Event) else "unknown"
    return _UNKNOWN[unknown].from_document(document)
