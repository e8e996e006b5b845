"""The helpers of the anchor of a live room."""

from typing import Annotated

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, get, post
from wxbus.api.endpoints.live_content import ROOM_ERRORS, Assistant, RoomAssistant, RoomId


class LiveHelpers(Family):
    """The helpers and the second account of an anchor."""

    title = "直播间小助手"
    kinds = ("mini_program",)

    @post(
        "/wxaapi/broadcast/room/addassistant",
        name="addveAssistant",
        title="添加管理直播间小助手",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def add_assistants(self, room_id: RoomId, users: Annotated[list[Assistant], Field(min_length=1)]) -> None:
        """Add helpers."""

    @post(
        "/wxaapi/broadcast/room/modifyassistant",
        name="modifyAssistant",
        title="修改直播间小助手",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def change_assistant(self, room_id: RoomId, username: Id, nickname: str) -> None:
        """Rename a helper."""

    @post(
        "/wxaapi/broadcast/room/removeassistant",
        name="removeAssistant",
        title="删除直播间小助手",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def remove_assistant(self, room_id: RoomId, username: Id) -> None:
        """Remove a helper."""

    @get(
        "/wxaapi/broadcast/room/getassistantlist",
        name="getAssistantList",
        title="查询直播间小助手",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def assistants(self, room_id: RoomId) -> Annotated[list[RoomAssistant], Key("list")]:
        """Return the helpers."""

    @post(
        "/wxaapi/broadcast/room/addsubanchor",
        name="addSubAnchor",
        title="添加主播副号",
        repeat=Repeat.READ,
        errcodes=(500004, 500005),
    )
    async def add_sub_anchor(self, room_id: RoomId, username: Id) -> None:
        """Let the anchor use a second WeChat account."""

    @post(
        "/wxaapi/broadcast/room/modifysubanchor",
        name="modifySubAnchor",
        title="修改主播副号",
        repeat=Repeat.READ,
        errcodes=(500002, 500004),
    )
    async def change_sub_anchor(self, room_id: RoomId, username: Id) -> None:
        """Replace the second account."""

    @post(
        "/wxaapi/broadcast/room/deletesubanchor",
        name="deleteSubAnchor",
        title="删除主播副号",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def delete_sub_anchor(self, room_id: RoomId) -> None:
        """Remove the second account."""

    @get(
        "/wxaapi/broadcast/room/getsubanchor",
        name="getSubAnchor",
        title="获取主播副号",
        repeat=Repeat.READ,
        errcodes=ROOM_ERRORS,
    )
    async def sub_anchor(self, room_id: RoomId) -> Annotated[str, Key("username")]:
        """Return the second account."""
