"""Messages of devices, which their owners permit."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, OpenId, Refused, post
from wxbus.api.endpoints.subscribe_messages import Language, Value

NO_MODEL: Final = 9800003

SerialNumber: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$", examples=["SN-1"]), Refused(9800001)
]


class DeviceMessages(Family):
    """Messages of devices of a registered model."""

    title = "设备消息"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/message/device/subscribe/send",
        name="sendHardwareDeviceMessage",
        title="发送设备消息",
        repeat=Repeat.SEND,
        errcodes=(40037, 41030, 43101, 47003),
    )
    async def send(
        self,
        openids: Annotated[Sequence[OpenId], Field(min_length=1), Key("to_openid_list"), Refused(40003)],
        template_id: Annotated[Id, Refused(40037)],
        model_id: Annotated[Id, Key("modelId")],
        sn: Annotated[SerialNumber, Refused(40035)],
        data: Annotated[Mapping[str, Value], Refused(47003)],
        page: Annotated[str, Field(min_length=1, max_length=1024), Refused(41030)],
        *,
        state: Annotated[Literal["formal", "trial", "developer"], Key("miniprogram_state")] = "formal",
        language: Annotated[Language, Key("lang")] = "zh_CN",
    ) -> None:
        """Send a message of a device to its owners; it opens `page` with its query."""

    @post(
        "/wxa/getsnticket",
        name="getSnTicket",
        title="获取设备票据",
        repeat=Repeat.READ,
        errcodes=(9800001, 9800002, NO_MODEL),
    )
    async def ticket(
        self, sn: SerialNumber, model_id: Annotated[Id, Refused(NO_MODEL)]
    ) -> Annotated[str, Key("sn_ticket")]:
        """Return a ticket with which the Mini Program asks a user for messages of a device; valid for 5 minutes."""
