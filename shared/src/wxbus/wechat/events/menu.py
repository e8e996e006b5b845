"""Taps on the account's menu (protocol reference 6.1)."""

from pydantic import Field, model_validator

from wxbus.wechat.messages.base import Event, Float, Int, Many, Maybe, Part


class MenuEvent(Event):
    """A tap on a menu item."""

    event_key: str = ""
    """The key or value of the menu item."""


class ClickEvent(MenuEvent):
    """A tap on a menu item with a key."""

    event: str = "CLICK"


class ViewEvent(MenuEvent):
    """A tap on a menu item that opens a URL; the URL is in `event_key`."""

    event: str = "VIEW"
    menu_id: str = ""


class ViewMiniProgramEvent(MenuEvent):
    """A tap on a menu item that opens a Mini Program; the path is in `event_key`."""

    event: str = "view_miniprogram"
    menu_id: str = ""


class ScanCodeInfo(Part):
    """The scanned code."""

    scan_type: str = ""
    """`qrcode` or `barcode`."""
    scan_result: str = ""


class ScanCodeEvent(MenuEvent):
    """A user scanned a code from the menu."""

    scan_code_info: Maybe[ScanCodeInfo] = None


class ScanCodePushEvent(ScanCodeEvent):
    """A user scanned a code; WeChat shows its content."""

    event: str = "scancode_push"


class ScanCodeWaitMessageEvent(ScanCodeEvent):
    """A user scanned a code; WeChat shows a waiting indicator until a message arrives."""

    event: str = "scancode_waitmsg"


class Picture(Part):
    """An image that follows as a separate message."""

    pic_md5_sum: str = Field(default="", alias="PicMd5Sum")

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_text(cls, value: object) -> object:
        return {"PicMd5Sum": value} if isinstance(value, str) and value else value


class SendPicsInfo(Part):
    """The images that follow."""

    count: Int = None
    pic_list: Many[Picture] = ()


class PictureEvent(MenuEvent):
    """A user sends images from the menu; they follow as messages."""

    send_pics_info: Maybe[SendPicsInfo] = None


class SystemPhotoEvent(PictureEvent):
    """A user took photos."""

    event: str = "pic_sysphoto"


class PhotoOrAlbumEvent(PictureEvent):
    """A user took or chose photos."""

    event: str = "pic_photo_or_album"


class WeChatAlbumEvent(PictureEvent):
    """A user chose photos from WeChat's album."""

    event: str = "pic_weixin"


class SendLocationInfo(Part):
    """The chosen location."""

    latitude: Float = Field(default=None, alias="Location_X")
    longitude: Float = Field(default=None, alias="Location_Y")
    scale: Float = None
    label: str = ""
    poi_name: str = Field(default="", alias="Poiname")


class LocationSelectEvent(MenuEvent):
    """A user chose a location from the menu."""

    event: str = "location_select"
    send_location_info: Maybe[SendLocationInfo] = None
