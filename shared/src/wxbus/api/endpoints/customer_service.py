"""Customer-service messages, and the typing indicator."""

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field, PlainSerializer

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Flag, Id, Key, Merged, OpenId, Refused, post
from wxbus.wechat.replies.customer_service import message_fields
from wxbus.wechat.replies.reply import CustomerServiceReply

WRONG_TYPE: Final = 40008
WRONG_COMMAND: Final = 45072
NO_BUSINESS: Final = 45071
SEND_ERRORS: Final = (70000, 40003, 40007, WRONG_TYPE, 45002, 45008, 45015, 45047, 48002, 48008)
TYPING_ERRORS: Final = (40200, WRONG_COMMAND, 45080, 45081)


def _sendable(reply: CustomerServiceReply) -> CustomerServiceReply:
    message_fields(reply)  # raises ValueError
    return reply


Message: TypeAlias = Annotated[
    CustomerServiceReply, AfterValidator(_sendable), PlainSerializer(message_fields), Merged(), Refused(WRONG_TYPE)
]
KfAccount: TypeAlias = Annotated[str, Field(min_length=1, max_length=64), Refused(65401)]
"""A customer-service account, `name@id of the Official Account`."""
Command: TypeAlias = Annotated[
    bool,
    PlainSerializer(lambda on: "Typing" if on else "CancelTyping", return_type=str),
    Key("command"),
    Refused(WRONG_COMMAND),
]


class CustomerService(Family):
    """Messages to users who wrote before: 5 within 48 hours, and some within a minute of other actions.

    `WeChatClient.send` is shorter, and also sends template and subscription messages.
    """

    title = "客服消息"
    kinds = ("official_account", "mini_program")

    @post(
        "/cgi-bin/message/custom/send",
        name="sendCustomMessage",
        title="发送客服消息",
        repeat=Repeat.SEND,
        errcodes=(*SEND_ERRORS, NO_BUSINESS, 65401),
    )
    async def send(
        self,
        openid: Annotated[OpenId, Key("touser")],
        message: Message,
        *,
        kf_account: Annotated[KfAccount | None, Key("customservice.kf_account")] = None,
        ai: Annotated[Flag | None, Key("aimsgcontext.is_ai_msg")] = None,
        business_id: Annotated[Id | None, Key("businessid"), Refused(NO_BUSINESS)] = None,
    ) -> None:
        """Send a message, such as `reply.Text("hello")`.

        Args:
            openid: The user.
            message: The message; a text has at most 2,048 bytes.
            kf_account: Send it in the name of this customer-service account.
            ai: Whether WeChat shows the hint that an AI wrote the message.
            business_id: Send it in the name of this merchant of a Mini Program.
        """

    @post(
        "/cgi-bin/message/custom/business/send",
        title="发送客服消息(子商户)",
        repeat=Repeat.SEND,
        errcodes=(*SEND_ERRORS, NO_BUSINESS),
        kinds=("mini_program",),
    )
    async def send_for_business(
        self,
        openid: Annotated[OpenId, Key("touser")],
        message: Message,
        business_id: Annotated[Id, Key("businessid"), Refused(NO_BUSINESS)],
    ) -> None:
        """Send a message in the name of a merchant of a Mini Program."""

    @post(
        "/cgi-bin/message/custom/typing",
        name="typing",
        title="客服输入状态",
        repeat=Repeat.READ,
        errcodes=TYPING_ERRORS,
    )
    async def typing(self, openid: Annotated[OpenId, Key("touser")], *, on: Command = True) -> None:
        """Show the typing indicator for 15 seconds, or hide it; the user must have acted within 30 seconds."""

    @post(
        "/cgi-bin/message/custom/business/typing",
        name="typing",
        title="客服输入状态",
        repeat=Repeat.READ,
        errcodes=TYPING_ERRORS,
        kinds=("mini_program",),
    )
    async def typing_for_business(
        self,
        openid: Annotated[OpenId, Key("touser")],
        *,
        on: Command = True,
        business_id: Annotated[Id | None, Key("businessid"), Refused(NO_BUSINESS)] = None,
    ) -> None:
        """Show or hide the typing indicator in the name of a merchant of a Mini Program."""
