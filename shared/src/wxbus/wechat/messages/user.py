"""The messages that users send (protocol reference 5)."""

from pydantic import Field

from wxbus.wechat.messages.base import Float, Int, UserMessage


class TextMessage(UserMessage):
    """A text that a user typed, or the item of a menu that a user tapped."""

    msg_type: str = "text"
    content: str
    menu_id: str = Field(default="", alias="bizmsgmenuid")
    """Id of the tapped item of a `reply.Menu`."""
    business_id: str = ""
    """Sub-merchant of a Mini Program."""


class ImageMessage(UserMessage):
    """An image that a user sent."""

    msg_type: str = "image"
    media_id: str = ""
    """Valid for three days; "" if WeChat sent only the URL."""
    pic_url: str = ""


class VoiceMessage(UserMessage):
    """A voice message that a user sent."""

    msg_type: str = "voice"
    media_id: str = ""
    format: str = ""
    """`amr` (8 kHz) or `speex`."""
    media_id_16k: str = Field(default="", alias="MediaId16K")
    """The same at 16 kHz."""
    recognition: str = ""
    """Recognised text, for accounts with speech recognition."""


class VideoMessage(UserMessage):
    """A video that a user sent."""

    msg_type: str = "video"
    media_id: str = ""
    thumb_media_id: str = ""


class ShortVideoMessage(VideoMessage):
    """A video that a user took with WeChat's camera."""

    msg_type: str = "shortvideo"


class LocationMessage(UserMessage):
    """A location that a user sent."""

    msg_type: str = "location"
    latitude: float = Field(alias="Location_X")
    longitude: float = Field(alias="Location_Y")
    scale: Float = None
    label: str = ""


class LinkMessage(UserMessage):
    """A link that a user sent."""

    msg_type: str = "link"
    title: str = ""
    description: str = ""
    url: str = ""


class FileMessage(UserMessage):
    """A file that a user sent; it cannot be downloaded."""

    msg_type: str = "file"
    title: str = ""
    """File name."""
    description: str = ""
    file_key: str = ""
    file_md5: str = ""
    file_total_len: Int = None
    """Bytes."""


class MiniProgramPageMessage(UserMessage):
    """A Mini Program page that a user sent."""

    msg_type: str = "miniprogrampage"
    title: str = ""
    app_id: str = ""
    page_path: str = ""
    thumb_url: str = ""
    thumb_media_id: str = ""


class DeviceMessage(UserMessage):
    """A message of a user's device (legacy)."""

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
    """A user starts or stops watching a device's state (legacy)."""

    msg_type: str = "device_status"
    event: str = ""
    """`subscribe_status` or `unsubscribe_status`."""
    op_type: Int = None
    device_status: Int = None
    """1 connected, 0 not."""


class HardwareMessage(DeviceMessage):
    """A message to a user's device (legacy)."""

    msg_type: str = "hardware"
