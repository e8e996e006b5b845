"""Template messages of service accounts, and one-time messages that a user confirms on a page."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Part, Refused, Timestamp, get, post

NO_TEMPLATE: Final = 40037
REFUSED_BY_USER: Final = 43101
WRONG_VALUE: Final = 47003

TemplateId: TypeAlias = Annotated[Id, Refused(NO_TEMPLATE)]
Industry: TypeAlias = Annotated[str, Field(pattern=r"^[1-9][0-9]?$", examples=["1"]), Refused(40102)]
"""The number of an industry, "1" to "41"."""


class TemplateValue(Part):
    """The text of one keyword of a template."""

    value: str
    color: str | None = Field(default=None, pattern=r"^#[0-9A-Fa-f]{6}$", examples=["#173177"])
    """WeChat may ignore it."""


class MiniProgramPage(Part):
    """The page of a Mini Program that a message opens; it has priority over a URL."""

    appid: str
    page: str | None = Field(default=None, validation_alias="pagepath", serialization_alias="pagepath")


class IndustryName(Answer):
    """An industry."""

    first_class: str = ""
    second_class: str = ""


class Industries(Answer):
    """The industries of the account."""

    primary_industry: IndustryName
    secondary_industry: IndustryName | None = None


class Template(Answer):
    """A template of the account."""

    template_id: str
    title: str = ""
    primary_industry: str = ""
    deputy_industry: str = ""
    content: str = ""
    example: str = ""


class BlockedMessage(Answer):
    """A template message that WeChat did not deliver, because of its content."""

    id: str
    """The cursor of the list."""
    tmpl_msg_id: str
    title: str = ""
    content: str = ""
    send_timestamp: Timestamp | None = None
    openid: str = ""


class TemplateMessages(Family):
    """Template messages: notices of a fixed form that an account may send at any time."""

    title = "模板消息"

    @post(
        "/cgi-bin/template/api_set_industry",
        name="setIndustry",
        title="设置所属行业",
        repeat=Repeat.READ,
        errcodes=(40102,),
    )
    async def set_industries(
        self,
        first: Annotated[Industry, Key("industry_id1")],
        second: Annotated[Industry, Key("industry_id2")],
    ) -> None:
        """Set the industries of the account, once a month. The templates of the replaced industry are deleted."""

    @get("/cgi-bin/template/get_industry", name="getIndustry", title="获取行业信息", repeat=Repeat.READ)
    async def industries(self) -> Industries:
        """Return the industries of the account."""

    @post(
        "/cgi-bin/template/api_add_template",
        name="addTemplate",
        title="选用模板",
        repeat=Repeat.SEND,
        errcodes=(NO_TEMPLATE, 40246, 40247, 45026, 45027),
    )
    async def add_template(
        self,
        number: Annotated[str, Field(min_length=1, max_length=64), Key("template_id_short"), Refused(NO_TEMPLATE)],
        keywords: Annotated[Sequence[str], Field(max_length=20), Key("keyword_name_list"), Refused(40246)],
    ) -> Annotated[str, Key("template_id")]:
        """Add a template of the library to the account, which has 25, and return its id.

        Args:
            number: "TM..." for a template of an industry, digits for one of a category.
            keywords: The keywords in their order, for a template of a category.
        """

    @get(
        "/cgi-bin/template/get_all_private_template",
        name="getAllTemplates",
        title="获取已选用模板列表",
        repeat=Repeat.READ,
    )
    async def templates(self) -> Annotated[list[Template], Key("template_list")]:
        """Return the templates of the account."""

    @post(
        "/cgi-bin/template/del_private_template",
        name="deleteTemplate",
        title="删除模板",
        repeat=Repeat.READ,
        errcodes=(NO_TEMPLATE,),
    )
    async def delete_template(self, template_id: TemplateId) -> None:
        """Delete a template of the account."""

    @post(
        "/cgi-bin/message/template/send",
        name="sendTemplateMessage",
        title="发送模板消息",
        repeat=Repeat.SEND,
        errcodes=(
            40003, 40008, 40036, NO_TEMPLATE, 40039, 40165, 40249, 43004, 43116, WRONG_VALUE
        ),
    )  # fmt: skip
    async def send(
        self,
        openid: Annotated[OpenId, Key("touser")],
        template_id: TemplateId,
        data: Annotated[Mapping[str, TemplateValue], Refused(WRONG_VALUE)],
        *,
        url: Annotated[str | None, Field(max_length=2048), Refused(40039)] = None,
        mini_program: Annotated[MiniProgramPage | None, Key("miniprogram"), Refused(40165)] = None,
        client_id: Annotated[str | None, Field(min_length=1, max_length=32), Key("client_msg_id")] = None,
    ) -> Annotated[str, Key("msgid")]:
        """Send a template message, and return its id; the result is a `TemplateSendJobFinishEvent` with this id.

        Args:
            openid: The follower.
            template_id: A template of the account.
            data: The texts by keyword.
            url: The page that the message opens.
            mini_program: The page of a Mini Program instead.
            client_id: An id of yours: WeChat sends messages with the same id to one user once in 10 minutes.
        """

    @post("/wxa/sec/queryblocktmplmsg", name="queryBlockTmplMsg", title="查询拦截模板消息", repeat=Repeat.READ)
    async def blocked(
        self,
        template_message_id: Annotated[Id, Key("tmpl_msg_id")],
        *,
        after: Annotated[int, Field(ge=0), Key("largest_id")] = 0,
        limit: Annotated[int, Field(ge=1, le=100)] = 100,
    ) -> Annotated[list[BlockedMessage], Key("msginfo")]:
        """Return messages that WeChat blocked, from the id `after` on."""

    @post(
        "/cgi-bin/message/template/subscribe",
        name="templateSubscribe",
        title="发送一次性订阅消息",
        repeat=Repeat.SEND,
        errcodes=(40003, NO_TEMPLATE, 40062, REFUSED_BY_USER, WRONG_VALUE),
    )
    async def send_once(
        self,
        openid: Annotated[OpenId, Key("touser")],
        template_id: TemplateId,
        scene: Annotated[str, Field(pattern=r"^[0-9]{1,5}$", examples=["1000"])],
        title: Annotated[str, Field(min_length=1, max_length=15), Refused(40062)],
        content: Annotated[str, Field(min_length=1, max_length=200), Key("data.content.value"), Refused(WRONG_VALUE)],
        *,
        color: Annotated[str | None, Key("data.content.color")] = None,
        url: Annotated[str | None, Field(max_length=2048)] = None,
        mini_program: Annotated[MiniProgramPage | None, Key("miniprogram")] = None,
    ) -> None:
        """Send the one message that a user confirmed on a page, in a scene "0" to "10000"."""
