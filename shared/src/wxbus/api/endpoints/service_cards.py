"""Service cards: one card for a user that follows an order or a service."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, OpenId, Refused, Timestamp, post

NO_TYPE: Final = 85434
NO_CODE: Final = 85437
GENERAL: Final = (40003, 85431, NO_TYPE, 85436, NO_CODE, 85461, 85462)

NotifyType: TypeAlias = Annotated[int, Field(ge=1), Refused(NO_TYPE)]
"""The number of the kind of card, from WeChat's console."""
NotifyCode: TypeAlias = Annotated[str, Field(min_length=1, max_length=512), Refused(NO_CODE)]
"""A number of a WeChat Pay order, or a code from a button of the Mini Program."""
JsonText: TypeAlias = Annotated[str, Field(min_length=2)]
"""A JSON object as text."""


class ServiceCard(Answer):
    """The state of a card."""

    notify_type: int = 0
    code_state: int = 0
    """0 valid, 1 risky, 2 abnormal, 10 refused by the user."""
    code_expire_time: Timestamp | None = None
    content_json: str = ""


class ServiceCards(Family):
    """Service cards in the user's list of chats."""

    title = "服务卡片"
    kinds = ("mini_program",)

    @post(
        "/wxa/set_user_notify",
        name="setUserNotify",
        title="激活与更新服务卡片",
        repeat=Repeat.SEND,
        errcodes=(
            *GENERAL, 85433, 85435, 85438, 85439, 85440, 85441, 85442, 85443, 85448, 85449
        ),
    )  # fmt: skip
    async def update(
        self,
        openid: OpenId,
        notify_type: NotifyType,
        notify_code: NotifyCode,
        content: Annotated[JsonText, Key("content_json"), Refused(85435)],
        *,
        check: Annotated[JsonText | None, Key("check_json"), Refused(85433)] = None,
    ) -> None:
        """Activate a card, or change its content."""

    @post(
        "/wxa/set_user_notifyext",
        name="setUserNotifyExt",
        title="更新服务卡片扩展信息",
        repeat=Repeat.SEND,
        errcodes=(*GENERAL, 85444, 85445, 85446, 85447, 85470, 85471),
    )
    async def update_extension(
        self,
        openid: OpenId,
        notify_type: NotifyType,
        notify_code: NotifyCode,
        extension: Annotated[JsonText, Key("ext_json"), Refused(85470)],
    ) -> None:
        """Change the further parts of a card: payment, shop, parcels, products."""

    @post(
        "/wxa/get_user_notify",
        name="getUserNotify",
        title="查询服务卡片状态",
        repeat=Repeat.READ,
        errcodes=(40003, 85431, NO_TYPE, NO_CODE, 85438),
    )
    async def state(
        self, openid: OpenId, notify_type: NotifyType, notify_code: NotifyCode
    ) -> Annotated[ServiceCard, Key("notify_info")]:
        """Return the state of a card."""
