"""What users send, and what wxbus has no type for, as frozen models (protocol reference 5)."""

from typing import Any, Self

from pydantic import Field, model_validator

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
    """`bind`, `unbind`; `subscribe_status`, `unsubscribe_status`, see `DeviceStatusMessage`."""
    op_type: Int = None


class DeviceStatusMessage(DeviceMessage):
    """A user looks at a device's state, or does no longer (legacy)."""

    msg_type: str = "device_status"
    event: str = ""
    """`subscribe_status` or `unsubscribe_status`."""
    op_type: Int = None
    device_status: Int = None
    """1 connected, 0 not."""


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
