"""Models of live rooms of Mini Programs."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.declaration import (
    Answer,
    Flag,
    Key,
    NumberId,
    Part,
    Refused,
    Timestamp,
)

NO_ROOM: Final = 300022
WRONG_STATE: Final = 300023
NO_GOODS: Final = 300024
ROOM_ERRORS: Final = (NO_ROOM, WRONG_STATE)
MAKE_ERRORS: Final = (
    200002, 300002, 300028, 300031, 300032, 300034, 300036, 300037, 300038, 300039, 300040, 300041
)  # fmt: skip
EDIT_ERRORS: Final = (200002, 300002, NO_ROOM, WRONG_STATE, 300030, 300031, 300032, 300037)

RoomId: TypeAlias = Annotated[NumberId, Key("roomId"), Refused(NO_ROOM)]
Image: TypeAlias = Annotated[str, Field(min_length=1)]
"""A media id."""


class Assistant(Part):
    """A helper of a room."""

    username: str
    nickname: str


class RoomAssistant(Answer):
    """A helper of a room."""

    alias: str = ""
    nickname: str = ""
    openid: str = ""
    headimg: str = ""
    timestamp: Timestamp | None = None


class RoomSettings(Part):
    """A live room: it starts in 10 minutes to 6 months, and lasts from 30 minutes to 24 hours."""

    name: str = Field(min_length=3, max_length=17)
    cover_image: str = Field(validation_alias="coverImg", serialization_alias="coverImg")
    share_image: str = Field(validation_alias="shareImg", serialization_alias="shareImg")
    feeds_image: str = Field(validation_alias="feedsImg", serialization_alias="feedsImg")
    start: Timestamp = Field(validation_alias="startTime", serialization_alias="startTime")
    end: Timestamp = Field(validation_alias="endTime", serialization_alias="endTime")
    anchor_name: str = Field(
        validation_alias="anchorName", serialization_alias="anchorName", min_length=2, max_length=15
    )
    anchor_wechat: str = Field(validation_alias="anchorWechat", serialization_alias="anchorWechat")
    sub_anchor_wechat: str | None = Field(
        default=None, validation_alias="subAnchorWechat", serialization_alias="subAnchorWechat"
    )
    creator_wechat: str | None = Field(
        default=None, validation_alias="createrWechat", serialization_alias="createrWechat"
    )
    by_stream: Flag = Field(default=False, validation_alias="type", serialization_alias="type")
    """True: by a program that pushes a stream, False: by a phone."""
    is_public: Flag = Field(default=True, validation_alias="isFeedsPublic", serialization_alias="isFeedsPublic")
    no_likes: Flag = Field(default=False, validation_alias="closeLike", serialization_alias="closeLike")
    no_goods: Flag = Field(default=False, validation_alias="closeGoods", serialization_alias="closeGoods")
    no_comments: Flag = Field(default=False, validation_alias="closeComment", serialization_alias="closeComment")
    no_replay: Flag = Field(default=True, validation_alias="closeReplay", serialization_alias="closeReplay")
    no_sharing: Flag = Field(default=False, validation_alias="closeShare", serialization_alias="closeShare")
    no_customer_service: Flag = Field(default=True, validation_alias="closeKf", serialization_alias="closeKf")


class NewRoom(Answer):
    """A new room."""

    room_id: str = Field(alias="roomId")
    qrcode_url: str = ""
    """For the anchor, who must prove the real name."""


class ShareCode(Answer):
    """A code that opens a room."""

    url: str = Field(default="", alias="cdnUrl")
    poster_url: str = Field(default="", alias="posterUrl")
    page_path: str = Field(default="", alias="pagePath")


class RoomGoods(Answer):
    """Goods in a room."""

    goods_id: str = ""
    name: str = ""
    price: float = 0
    price2: float = 0
    url: str = ""
    cover_img: str = ""


class Room(Answer):
    """A room in a list."""

    room_id: str = Field(alias="roomid")
    name: str = ""
    cover_img: str = ""
    share_img: str = ""
    anchor_name: str = ""
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    live_status: int = 0
    """101 live, 102 not begun, 103 ended, 104 banned, 105 paused, 106 fault, 107 expired."""
    live_type: int = 0
    goods: tuple[RoomGoods, ...] = ()


class RoomPage(Answer):
    """A page of rooms."""

    total: int = 0
    room_info: tuple[Room, ...] = ()


class Replay(Answer):
    """A recording of a room."""

    media_url: str
    create_time: str = ""
    expire_time: str = ""


class LiveFollower(Answer):
    """A user who subscribed to notices of live rooms."""

    openid: str
    subscribe_time: Timestamp | None = None
    room_id: str = ""
    room_status: int = 0


class LiveFollowerPage(Answer):
    """A page of users."""

    followers: tuple[LiveFollower, ...] = ()
    page_break: int = 0
    """For the next page."""
