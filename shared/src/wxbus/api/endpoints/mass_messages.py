"""Messages to many followers of an Official Account."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Key, MaxBytes, NumberId, OpenId, Refused, post
from wxbus.api.endpoints.mass_content import TYPE_REFUSED, MassMessage

SEND_ERRORS: Final = (40007, TYPE_REFUSED, 45028, 45065, 45066, 45067, 48008)
SEND_TO_ALL_ERRORS: Final = (
    *SEND_ERRORS, 40152, 42010, 45062, 45113, 48003, 48021, 48022, 89504, 89505, 268488001
)  # fmt: skip
SEND_TO_USERS_ERRORS: Final = (*SEND_ERRORS, 40003, 40031, 40032, 40130, 45162, 9500002)

ClientId: TypeAlias = Annotated[str, MaxBytes(32), Key("clientmsgid"), Refused(45067)]
"""An id of yours: WeChat sends messages with the same id once in 24 hours."""
MessageId: TypeAlias = Annotated[NumberId, Refused(40059)]


class MassJob(Answer):
    """A mass message that WeChat accepted."""

    msg_id: str
    msg_data_id: str | None = None
    """Names the articles, for comments and statistics; only for articles."""


class MassStatus(Answer):
    """The status of a mass message."""

    msg_id: str
    msg_status: str
    """SEND_SUCCESS, SENDING, SEND_FAIL or DELETE."""


class MassSpeed(Answer):
    """The speed of mass messages."""

    speed: int
    """0, the fastest, to 4."""
    realspeed: int = 0
    """In 10,000 messages a minute: 80, 60, 45, 30 or 10."""


class MassMessages(Family):
    """Messages to many followers.

    The result is a `MassSendJobFinishEvent` with the id of the message; it may come before the answer. A call with a
    `client_id` can be repeated: WeChat returns the id of the first message (45065).
    """

    title = "群发消息"

    @post(
        "/cgi-bin/message/mass/sendall",
        name="sendAll",
        title="根据标签群发消息",
        repeat=Repeat.SEND,
        errcodes=SEND_TO_ALL_ERRORS,
        fixed={"filter.is_to_all": True},
    )
    async def send_to_all(
        self,
        message: MassMessage,
        *,
        client_id: ClientId | None = None,
        send_ignore_reprint: Flag | None = None,
    ) -> MassJob:
        """Send a message to all followers.

        `send_ignore_reprint` sends articles that WeChat finds to be reprints, if their authors permit it.
        """

    @post(
        "/cgi-bin/message/mass/sendall",
        name="sendAll",
        title="根据标签群发消息",
        repeat=Repeat.SEND,
        errcodes=SEND_TO_ALL_ERRORS,
        fixed={"filter.is_to_all": False},
    )
    async def send_to_tag(
        self,
        tag_id: Annotated[int, Field(ge=0), Key("filter.tag_id"), Refused(40152)],
        message: MassMessage,
        *,
        client_id: ClientId | None = None,
        send_ignore_reprint: Flag | None = None,
    ) -> MassJob:
        """Send a message to the followers with a tag."""

    @post(
        "/cgi-bin/message/mass/send",
        name="massSend",
        title="根据OpenID群发消息",
        repeat=Repeat.SEND,
        errcodes=SEND_TO_USERS_ERRORS,
    )
    async def send_to_users(
        self,
        openids: Annotated[list[OpenId], Field(min_length=2, max_length=10_000), Key("touser"), Refused(40032)],
        message: MassMessage,
        *,
        client_id: ClientId | None = None,
        send_ignore_reprint: Flag | None = None,
    ) -> MassJob:
        """Send a message to 2 to 10,000 followers."""

    @post(
        "/cgi-bin/message/mass/preview",
        name="preview",
        title="预览消息",
        repeat=Repeat.SEND,
        errcodes=(40003, 40007, 40008, 40132),
    )
    async def preview(self, openid: Annotated[OpenId, Key("touser")], message: MassMessage) -> None:
        """Preview a message: send it to one follower only; 100 times a day."""

    @post(
        "/cgi-bin/message/mass/preview",
        name="preview",
        title="预览消息",
        repeat=Repeat.SEND,
        errcodes=(40007, 40008, 40132),
    )
    async def preview_by_name(
        self,
        wechat_name: Annotated[str, Field(min_length=1, max_length=64), Key("towxname"), Refused(40132)],
        message: MassMessage,
    ) -> None:
        """Preview a message: send it to the follower with a WeChat id; 100 times a day."""

    @post(
        "/cgi-bin/message/mass/delete",
        name="deleteMassMsg",
        title="删除群发消息",
        repeat=Repeat.READ,
        errcodes=(40059, 40060, 40065, 40204, 9500001),
    )
    async def delete(
        self, msg_id: MessageId, *, article: Annotated[int, Field(ge=0), Key("article_idx"), Refused(40060)] = 0
    ) -> None:
        """Delete a sent message of articles or a video, also where users read it; `article` counts from 1, 0: all."""

    @post(
        "/cgi-bin/message/mass/delete",
        name="deleteMassMsg",
        title="删除群发消息",
        repeat=Repeat.READ,
        errcodes=(40065, 40204, 9500001),
    )
    async def delete_by_url(self, url: Annotated[str, Field(min_length=1)]) -> None:
        """Delete the sent article with this address."""

    @post(
        "/cgi-bin/message/mass/get",
        name="massmsgget",
        title="查询群发消息发送状态",
        repeat=Repeat.READ,
        errcodes=(40059, 89504, 89505),
    )
    async def status(self, msg_id: MessageId) -> MassStatus:
        """Return the status of a mass message."""

    @post(
        "/cgi-bin/message/mass/speed/get",
        name="getSpeed",
        title="获取群发速度",
        repeat=Repeat.READ,
        errcodes=(45083, 45084),
        older="GET",
    )
    async def speed(self) -> MassSpeed:
        """Return the speed of mass messages."""

    @post(
        "/cgi-bin/message/mass/speed/set",
        name="setSpeed",
        title="设置群发速度",
        repeat=Repeat.READ,
        errcodes=(45083, 45084, 89504, 89505),
    )
    async def set_speed(self, speed: Annotated[int, Field(ge=0, le=4), Refused(45083)]) -> None:
        """Set the speed of mass messages, from 0 (800,000 a minute) to 4 (100,000 a minute)."""
