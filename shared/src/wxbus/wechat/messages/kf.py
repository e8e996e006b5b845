"""Messages and events of WeChat Customer Service, which the worker pulls (WeCom reference 7).

Field names equal WeCom's names. `from_user` is the customer's external_userid, `to_user` the customer-service account.
The content of a message is next to its header, not in a member of its own.
"""

from typing import Any, ClassVar

from pydantic import Field, model_validator

from wxbus.wechat.messages.base import WECOM_NAMES, Int, Many, Message, Part, UserMessage
from wxbus.wechat.messages.user import (
    FileMessage,
    ImageMessage,
    LinkMessage,
    LocationMessage,
    MiniProgramPageMessage,
    TextMessage,
    VideoMessage,
    VoiceMessage,
)


class KfPart(Part):
    """A structure inside a message of customer service."""

    model_config = WECOM_NAMES


class KfHeader(Message):
    """The common fields of messages and events of customer service."""

    model_config = WECOM_NAMES
    family: ClassVar[str] = "kf:"

    to_user: str = Field(default="", alias="open_kfid")
    """The customer-service account."""
    from_user: str = Field(default="", alias="external_userid")
    """The customer."""
    created_at: int = Field(alias="send_time")
    msg_type: str = Field(alias="msgtype")
    msg_id: str = Field(default="", alias="msgid")
    origin: Int = None
    """3 the customer, 4 the system, 5 a servicer in WeCom."""
    servicer_userid: str = ""
    """The servicer, if one wrote it."""

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:
        """Move the members of `text`, `image`, `event` ... next to the header."""
        kind = data.get("msgtype") if isinstance(data, dict) else None
        inner = data.get(kind) if isinstance(kind, str) else None
        if not isinstance(inner, dict):
            return data
        return {**{name: value for name, value in data.items() if name != kind}, **inner}


class KfMessage(KfHeader, UserMessage):
    """A message of a customer, or of a servicer."""

    model_config = WECOM_NAMES


class KfServicerMessage(KfMessage):
    """A message of a servicer to the customer in WeCom, of any type; other fields are in `model_extra`.

    It is not a `TextMessage`: routes for what users write do not get it.
    """

    msg_type: str = Field(default="servicer", alias="msgtype")
    content: str = ""
    """Of a text."""
    media_id: str = ""


class KfTextMessage(KfMessage, TextMessage):
    """A text."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="text", alias="msgtype")
    menu_id: str = ""
    """Id of the tapped item of a `reply.Menu`."""


class KfImageMessage(KfMessage, ImageMessage):
    """An image."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="image", alias="msgtype")


class KfVoiceMessage(KfMessage, VoiceMessage):
    """A voice message, AMR."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="voice", alias="msgtype")


class KfVideoMessage(KfMessage, VideoMessage):
    """A video."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="video", alias="msgtype")


class KfFileMessage(KfMessage, FileMessage):
    """A file; `media_id` downloads it."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="file", alias="msgtype")
    media_id: str = ""


class KfLocationMessage(KfMessage, LocationMessage):
    """A location."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="location", alias="msgtype")
    latitude: float
    longitude: float
    label: str = Field(default="", alias="address")
    name: str = ""


class KfLinkMessage(KfMessage, LinkMessage):
    """A link."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="link", alias="msgtype")
    description: str = Field(default="", alias="desc")
    pic_url: str = ""


class KfMiniProgramMessage(KfMessage, MiniProgramPageMessage):
    """A page of a Mini Program."""

    model_config = WECOM_NAMES
    msg_type: str = Field(default="miniprogram", alias="msgtype")
    app_id: str = Field(default="", alias="appid")
    page_path: str = Field(default="", alias="pagepath")


class KfBusinessCardMessage(KfMessage):
    """The card of a member."""

    msg_type: str = Field(default="business_card", alias="msgtype")
    userid: str = ""


class KfMenuItem(KfPart):
    """An item of a menu."""

    type: str = ""
    """`click`, `view`, `miniprogram` or `text`; the member of that name has its content."""


class KfMenuMessage(KfMessage):
    """A menu that was sent."""

    msg_type: str = Field(default="msgmenu", alias="msgtype")
    head_content: str = ""
    list: Many[KfMenuItem] = ()
    tail_content: str = ""


class KfShopProductMessage(KfMessage):
    """A product of a WeChat Shop."""

    msg_type: str = Field(default="channels_shop_product", alias="msgtype")
    product_id: str = ""
    head_img: str = ""
    title: str = ""
    sales_price: str = ""
    shop_nickname: str = ""
    shop_head_img: str = ""


class KfShopOrderMessage(KfMessage):
    """An order of a WeChat Shop."""

    msg_type: str = Field(default="channels_shop_order", alias="msgtype")
    order_id: str = ""
    product_titles: str = ""
    price_wording: str = ""
    state: str = ""
    image_url: str = ""
    shop_nickname: str = ""
