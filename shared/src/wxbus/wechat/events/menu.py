"""Taps on the account's menu (protocol reference 6.1)."""

from pydantic import Field

from wxbus.wechat.messages.base import Event, Float, Int, Many, Maybe, Part


class MenuEvent(Event):
    """A tap on a line of the menu."""

    event_key: str = ""
    """What the line was set up with."""


class ClickEvent(MenuEvent):
    """A tap on a line with a key."""

    event: str = "CLICK"


class ViewEvent(MenuEvent):
    """A tap on a line that opens an address, which is in `event_key`."""

    event: str = "VIEW"
    menu_id: str = ""


class ViewMiniProgramEvent(MenuEvent):
    """A tap on a line that opens a Mini Program; the path is in `event_key`."""

    event: str = "view_miniprogram"
    menu_id: str = ""


class ScanCodeInfo(Part):
    """What a user scanned."""

    scan_type: str = ""
    """`qrcode` or `barcode`."""
    scan_result: str = ""


class ScanCodeEvent(MenuEvent):
    """A user scanned a code by way of the menu."""

    scan_code_info: Maybe[ScanCodeInfo] = None


class ScanCodePushEvent(ScanCodeEvent):
    """A user scanned a code; WeChat shows what it says."""

    event: str = "scancode_push"


class ScanCodeWaitMessageEvent(ScanCodeEvent):
    """A user scanned a code; WeChat waits for a message of ours."""

    event: str = "scancode_waitmsg"


class Picture(Part):
    """A picture that follows as a message of its own."""

    pic_md5_sum: str = Field(default="", alias="PicMd5Sum")


class SendPicsInfo(Part):
    """How many pictures follow, and which."""

    count: Int = None
    pic_list: Many[Picture] = ()


class PictureEvent(MenuEvent):
    """A user sends pictures by way of the menu; they follow as messages."""

    send_pics_info: Maybe[SendPicsInfo] = None


class SystemPhotoEvent(PictureEvent):
    """A user took pictures."""

    event: str = "pic_sysphoto"


class PhotoOrAlbumEvent(PictureEvent):
    """A user took pictures or chose them."""

    event: str = "pic_photo_or_album"


class WeChatAlbumEvent(PictureEvent):
    """A user chose pictures from WeChat's album."""

    event: str = "pic_weixin"


class SendLocationInfo(Part):
    """A place a user chose."""

    latitude: Float = Field(default=None, alias="Location_X")
    longitude: Float = Field(default=None, alias="Location_Y")
    scale: Float = None
    label: str = ""
    poi_name: str = Field(default="", alias="Poiname")


class LocationSelectEvent(MenuEvent):
    """A user chose a place by way of the menu."""

    event: str = "location_select"
    send_location_info: Maybe[SendLocationInfo] = None
