"""Live rooms of a Mini Program."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    Flag,
    Key,
    Merged,
    NumberId,
    Refused,
    get,
    post,
)
from wxbus.api.endpoints.live_content import (
    EDIT_ERRORS,
    MAKE_ERRORS,
    ROOM_ERRORS,
    WRONG_STATE,
    LiveFollowerPage,
    NewRoom,
    Replay,
    RoomId,
    RoomPage,
    RoomSettings,
    ShareCode,
)


class LiveRooms(Family):
    """Live rooms; 10,000 changes a day."""

    title = "直播间"
    kinds = ("mini_program",)

    @post(
        "/wxaapi/broadcast/room/create", name="createRoom", title="创建直播间", repeat=Repeat.SEND, errcodes=MAKE_ERRORS
    )
    async def create(self, room: Annotated[RoomSettings, Merged()]) -> NewRoom:
        """Create a room."""

    @post(
        "/wxaapi/broadcast/room/editroom", name="editRoom", title="编辑直播间", repeat=Repeat.READ, errcodes=EDIT_ERRORS
    )
    async def change(
        self, room_id: Annotated[NumberId, Key("id"), Refused(300022)], room: Annotated[RoomSettings, Merged()]
    ) -> None:
        """Replace the settings of a room that has not begun."""

    @post(
        "/wxaapi/broadcast/room/deleteroom",
        name="deleteRoom",
        title="删除直播间",
        repeat=Repeat.READ,
        errcodes=(200002, *ROOM_ERRORS),
    )
    async def delete(self, room_id: Annotated[NumberId, Key("id"), Refused(300022)]) -> None:
        """Delete a room."""

    @post(
        "/wxaapi/broadcast/room/addgoods",
        name="importGoods",
        title="导入商品",
        repeat=Repeat.READ,
        errcodes=(200002, *ROOM_ERRORS, 300024, 300025, 300027, 300033),
    )
    async def add_goods(
        self, room_id: RoomId, goods_ids: Annotated[list[int], Field(min_length=1, max_length=200), Key("ids")]
    ) -> None:
        """Add audited goods to a room."""

    @get(
        "/wxaapi/broadcast/room/getpushurl",
        name="getPushUrl",
        title="获取直播间推流地址",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def stream_url(self, room_id: RoomId) -> Annotated[str, Key("pushAddr")]:
        """Return the address to which a program pushes the stream."""

    @get(
        "/wxaapi/broadcast/room/getsharedcode",
        name="getSharedCode",
        title="获取直播间分享二维码",
        repeat=Repeat.READ,
        errcodes=(1001, *ROOM_ERRORS),
    )
    async def share_code(self, room_id: RoomId, *, params: str | None = None) -> ShareCode:
        """Return a code that opens a room; `params` is text for the page."""

    @post(
        "/wxaapi/broadcast/room/updatefeedpublic",
        name="updateFeedPublic",
        title="官方收录管理",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def set_public(self, room_id: RoomId, is_public: Annotated[Flag, Key("isFeedsPublic")]) -> None:
        """Allow or forbid WeChat to recommend the room."""

    @post(
        "/wxaapi/broadcast/room/updatereplay",
        name="updateReplay",
        title="回放功能管理",
        repeat=Repeat.READ,
        errcodes=(WRONG_STATE,),
    )
    async def set_replay(self, room_id: RoomId, closed: Annotated[Flag, Key("closeReplay")]) -> None:
        """Close or open the recording."""

    @post(
        "/wxaapi/broadcast/room/updatekf",
        name="updateKF",
        title="客服功能管理",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def set_customer_service(self, room_id: RoomId, closed: Annotated[Flag, Key("closeKf")]) -> None:
        """Close or open customer service."""

    @post(
        "/wxaapi/broadcast/room/updatecomment",
        name="updateComment",
        title="禁言管理",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def set_silent(self, room_id: RoomId, silent: Annotated[Flag, Key("banComment")]) -> None:
        """Forbid comments, or permit them."""

    @post("/wxa/business/getliveinfo", name="getLiveInfo", title="获取直播间列表和回放", repeat=Repeat.READ)
    async def page(
        self, *, start: Annotated[int, Field(ge=0)] = 0, limit: Annotated[int, Field(ge=1, le=100)] = 100
    ) -> RoomPage:
        """Return up to 100 rooms."""

    @post(
        "/wxa/business/getliveinfo",
        name="getLiveInfo",
        title="获取直播间列表和回放",
        repeat=Repeat.READ,
        fixed={"action": "get_replay"},
    )
    async def replays(
        self,
        room_id: Annotated[NumberId, Refused(300022)],
        *,
        start: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=100)] = 100,
    ) -> Annotated[list[Replay], Key("live_replay")]:
        """Return the recordings of a room."""

    @post("/wxa/business/get_wxa_followers", name="getFollowers", title="获取长期订阅用户", repeat=Repeat.READ)
    async def followers(
        self, *, limit: Annotated[int, Field(ge=1, le=2000)] = 200, page_break: int | None = None
    ) -> LiveFollowerPage:
        """Return up to 2000 users who subscribed to notices of live rooms."""

    @post(
        "/wxa/business/push_message",
        name="pushMessage",
        title="发送直播开始事件",
        repeat=Repeat.SEND,
        errcodes=(9410005, 9410006),
    )
    async def announce(
        self,
        room_id: Annotated[NumberId, Refused(300022)],
        openids: Annotated[list[str], Field(min_length=1, max_length=2000), Key("user_openid")],
    ) -> Annotated[str, Key("message_id")]:
        """Notify followers that a room has begun; one room a day."""
