"""Member cards that users have."""

from typing import Annotated, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Key,
    Part,
    Timestamp,
    post,
)
from wxbus.api.endpoints.card_ids import WRONG_CODE, CardId, Code


class FormField(Answer):
    """A field that a user entered."""

    name: str
    value: str = ""


class FormFields(Answer):
    """The fields that a user entered."""

    common_field_list: tuple[FormField, ...] = ()
    custom_field_list: tuple[FormField, ...] = ()


class Member(Answer):
    """A member."""

    openid: str = ""
    nickname: str = ""
    sex: str = ""
    membership_number: str = ""
    bonus: int = 0
    balance: int = 0
    user_info: FormFields = FormFields()
    user_card_status: str = ""


class MemberResult(Answer):
    """Points and balance after a change."""

    openid: str = ""
    result_bonus: int = 0
    result_balance: int = 0


class Link(Part):
    """A link on the form."""

    name: str
    url: str


class RichField(Part):
    """A field with choices."""

    type: Literal["FORM_FIELD_RADIO", "FORM_FIELD_SELECT", "FORM_FIELD_CHECK_BOX"]
    name: str
    values: list[str]


class Form(Part):
    """The fields that a user enters."""

    can_modify: bool | None = None
    rich_field_list: list[RichField] | None = None
    common_field_id_list: list[str] | None = None
    """USER_FORM_INFO_FLAG_MOBILE ..."""
    custom_field_list: list[str] | None = None


class Notify(Part):
    """The changes of which the user is notified."""

    is_notify_bonus: bool | None = None
    is_notify_balance: bool | None = None
    is_notify_custom_field1: bool | None = None
    is_notify_custom_field2: bool | None = None
    is_notify_custom_field3: bool | None = None


class MemberCards(Family):
    """Member cards and general cards of users."""

    title = "会员卡"
    kinds = ("official_account",)

    @post(
        "/card/membercard/activate",
        name="activateMemberCard",
        title="激活会员卡",
        repeat=Repeat.READ,
        errcodes=(40075, WRONG_CODE),
    )
    async def activate(
        self,
        code: Code,
        membership_number: Annotated[str, Field(min_length=1)],
        *,
        card_id: CardId | None = None,
        background_url: Annotated[str | None, Key("background_pic_url")] = None,
        begin: Annotated[Timestamp | None, Key("activate_begin_time")] = None,
        end: Annotated[Timestamp | None, Key("activate_end_time")] = None,
        bonus: Annotated[int | None, Key("init_bonus")] = None,
        bonus_record: Annotated[str | None, Key("init_bonus_record")] = None,
        balance: Annotated[int | None, Key("init_balance")] = None,
        value1: Annotated[str | None, Key("init_custom_field_value1")] = None,
        value2: Annotated[str | None, Key("init_custom_field_value2")] = None,
        value3: Annotated[str | None, Key("init_custom_field_value3")] = None,
    ) -> None:
        """Activate the card of a member."""

    @post("/card/membercard/activateuserform/set", name="setActivateUserForm", title="设置开卡字段", repeat=Repeat.READ)
    async def set_form(
        self,
        card_id: CardId,
        *,
        statement: Annotated[Link | None, Key("service_statement")] = None,
        old_card: Annotated[Link | None, Key("bind_old_card")] = None,
        required: Annotated[Form | None, Key("required_form")] = None,
        optional: Annotated[Form | None, Key("optional_form")] = None,
    ) -> None:
        """Set the form that new members fill in."""

    @post(
        "/card/membercard/activatetempinfo/get",
        name="getActivateTempInfo",
        title="获取用户提交资料",
        repeat=Repeat.READ,
    )
    async def form(
        self, ticket: Annotated[str, Field(min_length=1), Key("activate_ticket")]
    ) -> Annotated[FormFields, Key("info")]:
        """Return the fields that a new member entered, by the ticket of the page."""

    @post("/card/membercard/activate/geturl", name="getActivateUrl", title="获取开卡插件参数", repeat=Repeat.READ)
    async def form_url(
        self, card_id: CardId, *, scene: Annotated[str | None, Key("outer_str")] = None
    ) -> Annotated[str, Key("url")]:
        """Return the address of the page for new members."""

    @post(
        "/card/membercard/userinfo/get",
        name="getMemberInfo",
        title="拉取会员信息",
        repeat=Repeat.READ,
        errcodes=(WRONG_CODE,),
    )
    async def find(self, card_id: CardId, code: Code) -> Member:
        """Return a member."""

    @post(
        "/card/membercard/updateuser",
        name="updateMember",
        title="更新会员信息",
        repeat=Repeat.NEVER,
        errcodes=(WRONG_CODE,),
    )
    async def update(
        self,
        card_id: CardId,
        code: Code,
        *,
        background_url: Annotated[str | None, Key("background_pic_url")] = None,
        bonus: int | None = None,
        add_bonus: int | None = None,
        bonus_record: Annotated[str | None, Key("record_bonus")] = None,
        balance: int | None = None,
        add_balance: int | None = None,
        balance_record: Annotated[str | None, Key("record_balance")] = None,
        value1: Annotated[str | None, Key("custom_field_value1")] = None,
        value2: Annotated[str | None, Key("custom_field_value2")] = None,
        value3: Annotated[str | None, Key("custom_field_value3")] = None,
        notify: Annotated[Notify | None, Key("notify_optional")] = None,
    ) -> MemberResult:
        """Change points and balance of a member; a repeated `add_...` adds again."""

    @post(
        "/card/generalcard/updateuser",
        name="updateGeneralCard",
        title="更新通用卡",
        repeat=Repeat.NEVER,
        errcodes=(WRONG_CODE,),
    )
    async def update_general(
        self,
        card_id: CardId,
        code: Code,
        *,
        background_url: Annotated[str | None, Key("background_pic_url")] = None,
        bonus: int | None = None,
        bonus_record: Annotated[str | None, Key("record_bonus")] = None,
        balance: int | None = None,
        balance_record: Annotated[str | None, Key("record_balance")] = None,
        value1: Annotated[str | None, Key("custom_field_value1")] = None,
        value2: Annotated[str | None, Key("custom_field_value2")] = None,
        value3: Annotated[str | None, Key("custom_field_value3")] = None,
        can_give_friend: bool | None = None,
    ) -> MemberResult:
        """Change a general card of a user."""
