"""Messages whose card changes after it was sent, and messages for work relations."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Part, Refused, Timestamp, get, post

NO_ACTIVITY: Final = 47501

ActivityId: TypeAlias = Annotated[Id, Refused(NO_ACTIVITY)]


class ActivityState(IntEnum):
    """The state of an activity."""

    OPEN = 0
    STARTED = 1


class CardParameter(Part):
    """A text of the card."""

    name: Literal["member_count", "room_limit", "path", "version_type"]
    value: str


class Participant(Part):
    """A member of a group, by the openid in this group."""

    group_openid: str
    state: int


class Activity(Answer):
    """An activity, which lives for a day."""

    activity_id: str
    expires_at: Timestamp | None = Field(default=None, alias="expiration_time")


class DynamicMessages(Family):
    """Cards that users of the Mini Program share, and that change when the activity changes."""

    title = "动态消息"
    kinds = ("mini_program",)

    @get(
        "/cgi-bin/message/wxopen/activityid/create",
        name="createActivityId",
        title="创建activity_id",
        repeat=Repeat.READ,
        older="POST",
    )
    async def create_activity(
        self,
        *,
        openid: Annotated[str | None, Field(max_length=128), Refused(40003)] = None,
        unionid: Annotated[str | None, Field(max_length=128)] = None,
    ) -> Activity:
        """Return a new activity of a user."""

    @post(
        "/cgi-bin/message/wxopen/updatablemsg/send",
        name="setUpdatableMsg",
        title="修改动态消息",
        repeat=Repeat.SEND,
        errcodes=(NO_ACTIVITY, 47502, 47503, 47504),
    )
    async def update(
        self,
        activity_id: ActivityId,
        state: Annotated[ActivityState, Key("target_state"), Refused(47502)],
        parameters: Annotated[Sequence[CardParameter], Key("template_info.parameter_list"), Refused(47503)],
    ) -> None:
        """Change the cards of an activity."""

    @post(
        "/cgi-bin/message/wxopen/chattoolmsg/send",
        name="setChatToolMsg",
        title="修改小程序聊天工具的动态卡片消息",
        repeat=Repeat.SEND,
        errcodes=(40097, NO_ACTIVITY, 47502, 47504),
    )
    async def update_chat_tool(
        self,
        activity_id: ActivityId,
        template_id: Annotated[Id, Refused(40097)],
        state: Annotated[int, Field(ge=1), Key("target_state"), Refused(47502)],
        *,
        participants: Annotated[Sequence[Participant] | None, Key("participator_info_list"), Refused(40097)] = None,
        version: Annotated[Literal[0, 1, 2], Key("version_type"), Refused(40097)] = 0,
    ) -> None:
        """Change the card of a chat tool; the version is 0 release, 1 develop or 2 trial."""

    @post(
        "/cgi-bin/message/wxopen/employeerelationmsg/send",
        name="SendEmployeeRelationMsg",
        title="推送用工消息",
        repeat=Repeat.SEND,
        errcodes=(40097, 40256, 40257, 43104),
    )
    async def send_to_employee(
        self,
        openid: Annotated[OpenId, Key("touser"), Refused(40257)],
        template_id: Annotated[Id, Refused(40097)],
        data: Annotated[str, Field(min_length=2), Refused(40097)],
        page: Annotated[str, Field(min_length=1, max_length=1024), Refused(40097)],
    ) -> None:
        """Send a message to a user who has confirmed the work relation; `data` is a JSON text."""
