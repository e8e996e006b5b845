"""Every message and event as a frozen model, and the one function that finds the right one (protocol reference 5)."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeAlias, Union

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from wxbus.wechat import events
from wxbus.wechat.base import ComponentEvent, Event, Float, Int, Message, UserMessage
from wxbus.wechat.documents import RAW_BODY, Document, text


class TextMessage(UserMessage):
    """Text a user typed, or the line of a menu that a user tapped."""

    msg_type: str = "text"
    content: str
    menu_id: str = Field(default="", alias="bizmsgmenuid")
    """Id of the tapped line of a `reply.Menu`."""
    business_id: str = ""
    """Sub-merchant of a Mini Program."""


class ImageMessage(UserMessage):
    """A picture a user sent."""

    msg_type: str = "image"
    media_id: str = ""
    """Valid for three days; "" if WeChat gave the address alone."""
    pic_url: str = ""


class VoiceMessage(UserMessage):
    """A recording a user sent."""

    msg_type: str = "voice"
    media_id: str = ""
    format: str = ""
    """`amr` (8 kHz) or `speex`."""
    media_id_16k: str = Field(default="", alias="MediaId16K")
    """The same at 16 kHz."""
    recognition: str = ""
    """What was said, for accounts that have speech recognition."""


class VideoMessage(UserMessage):
    """A film a user sent."""

    msg_type: str = "video"
    media_id: str = ""
    thumb_media_id: str = ""


class ShortVideoMessage(VideoMessage):
    """A film a user took with WeChat's camera."""

    msg_type: str = "shortvideo"


class LocationMessage(UserMessage):
    """A place a user sent."""

    msg_type: str = "location"
    latitude: float = Field(alias="Location_X")
    longitude: float = Field(alias="Location_Y")
    scale: Float = None
    label: str = ""


class LinkMessage(UserMessage):
    """A link a user sent."""

    msg_type: str = "link"
    title: str = ""
    description: str = ""
    url: str = ""


class FileMessage(UserMessage):
    """A file a user sent; its bytes cannot be had."""

    msg_type: str = "file"
    title: str = ""
    """Name of the file."""
    description: str = ""
    file_key: str = ""
    file_md5: str = ""
    file_total_len: Int = None
    """Bytes."""


class MiniProgramPageMessage(UserMessage):
    """A page of a Mini Program that a user sent."""

    msg_type: str = "miniprogrampage"
    title: str = ""
    app_id: str = ""
    page_path: str = ""
    thumb_url: str = ""
    thumb_media_id: str = ""


class DeviceMessage(UserMessage):
    """What a user's device sent (legacy)."""

    device_type: str = ""
    device_id: str = Field(default="", alias="DeviceID")
    session_id: str = Field(default="", alias="SessionID")
    content: str = ""
    """Base64."""
    open_id: str = Field(default="", alias="OpenID")


class DeviceTextMessage(DeviceMessage):
    """Data of a user's device (legacy)."""

    msg_type: str = "device_text"


class DeviceEventMessage(DeviceMessage):
    """A user bound or unbound a device (legacy)."""

    msg_type: str = "device_event"
    event: str = ""


class HardwareMessage(DeviceMessage):
    """A message to a user's device (legacy)."""

    msg_type: str = "hardware"


class _Whole(Message):
    """Keeps the whole document, whatever is in it; what a header lacks is "" or 0."""

    document: dict[str, Any] = Field(default_factory=dict, alias="document", repr=False)
    """Everything WeChat sent, under WeChat's names; of a body that cannot be read, what is certain."""

    @property
    def raw_body(self) -> str:
        """Return the body as WeChat sent it if its text allows more than one reading, else ""."""
        return text(self.document, RAW_BODY)

    @classmethod
    def keeping(cls, document: Document) -> Self:
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
            return dict(cls.keeping(data))
        return data


class UnknownMessage(_Whole, UserMessage):
    """A message of a type that this version does not know, or that is not as we know it."""


class UnknownEvent(_Whole, Event):
    """An event that this version does not know, or that is not as we know it."""


class UnknownComponentEvent(_Whole, ComponentEvent):
    """A third-party platform's event that this version does not know, or that is not as we know it."""


def tag_of(value: Any) -> str:
    """Return the tag of the model that a document is for: `text`, `event:subscribe`, `component:authorized` ..."""
    if isinstance(value, Message):
        return _TAGS.get(type(value), "unknown")
    if not isinstance(value, dict):
        return "unknown"
    kind = text(value, "MsgType").lower()
    if kind == "event":
        tag, unknown = f"event:{text(value, 'Event').lower()}", "event:unknown"
    elif kind:
        tag, unknown = kind, "unknown"
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
    """Yield the tags of the names that a class declares; a class without a name is a base of others."""
    kind = "component:" if issubclass(model, ComponentEvent) else "event:" if issubclass(model, Event) else ""
    name = model.model_fields["event" if kind else "msg_type"].default
    if isinstance(name, str):
        yield from (f"{kind}{one.lower()}" for one in (name, *model.other_names))


def _models(declared: Iterable[object]) -> dict[str, type[Message]]:
    classes = [one for one in declared if isinstance(one, type) and issubclass(one, Message)]
    return {tag: model for model in classes for tag in _names(model)}


_MODELS: Final = _models([*globals().values(), *vars(events).values()]) | _UNKNOWN
_TAGS: Final[dict[type[Message], str]] = {model: tag for tag, model in reversed(_MODELS.items())}

if TYPE_CHECKING:
    AnyMessage: TypeAlias = Message
else:
    AnyMessage = Annotated[
        Union[tuple(Annotated[model, Tag(tag)] for tag, model in _MODELS.items())],  # noqa: UP007 - built at run time
        Discriminator(tag_of),
    ]
"""Whatever WeChat sends, told apart by `MsgType` and `Event` (or `InfoType`), without regard to case.

At run time it is the union of all types, for pydantic; type checkers see what all of them have in common.
"""


def model_of(tag: str) -> type[Message] | None:
    """Return the model for a tag (see `tag_of`): `text`, `event:subscribe`, in small letters; None if there is none."""
    return _MODELS.get(tag)


def parse_message(document: Document) -> Message:
    """Return the model for a document; never raises.

    What we have no model for, or what does not fit its model, becomes `UnknownMessage`, `UnknownEvent` or
    `UnknownComponentEvent`, with the document whole.
    """
    tag = tag_of(document)
    if tag not in _UNKNOWN:
        try:
            return _MODELS[tag].model_validate(document)
        except ValidationError:
            kind, colon, _ = tag.partition(":")
            tag = f"{kind}:unknown" if colon else "unknown"
    return _UNKNOWN[tag].keeping(document)
