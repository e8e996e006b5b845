"""Subscription messages: a user permits one message, or all of a template."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Part, Refused, get, post
from wxbus.api.endpoints.template_messages import MiniProgramPage

NO_TEMPLATE: Final = 40037
WRONG_VALUE: Final = 47003
NO_TITLE: Final = 200014

TemplateId: TypeAlias = Annotated[Id, Refused(NO_TEMPLATE)]
TitleId: TypeAlias = Annotated[Id, Key("tid"), Refused(NO_TITLE)]
"""The number of a template of the library."""
Language: TypeAlias = Literal["zh_CN", "en_US", "zh_HK", "zh_TW"]


class Value(Part):
    """The text of one keyword. The name of the keyword has its type: `thing1` takes up to 20 characters."""

    value: str


Data: TypeAlias = Annotated[Mapping[str, Value], Refused(WRONG_VALUE)]
"""By keyword, such as `{"thing1": Value(value="A book"), "amount2": Value(value="9 yuan")}`."""


class Category(Answer):
    """A category of the account."""

    id: str
    name: str = ""


class TemplateTitle(Answer):
    """A template of the library."""

    tid: str
    title: str = ""
    type: int = 2
    """2: one message, 3: all messages."""
    category_id: str = Field(default="", alias="categoryId")


class TemplateTitles(Answer):
    """A page of the templates of the library."""

    data: tuple[TemplateTitle, ...] = ()
    count: int = 0
    """Of all pages."""


class Keyword(Answer):
    """A keyword of a template of the library."""

    kid: int
    name: str = ""
    example: str = ""
    rule: str = ""
    """The type: `thing`, `number`, `date` ..."""


class KeywordValues(Answer):
    """The values that a keyword may have."""

    keyword_code: str = Field(alias="keywordCode")
    values: tuple[str, ...] = Field(default=(), alias="enumValueList")


class SubscribeTemplate(Answer):
    """A template of the account."""

    template_id: str = Field(alias="priTmplId")
    title: str = ""
    content: str = ""
    type: int = 2
    """2: one message, 3: all messages."""
    example: str = ""
    keyword_values: tuple[KeywordValues, ...] = Field(default=(), alias="keywordEnumValueList")


class SubscribeMessages(Family):
    """Messages that a user permitted before. The result of a send is a `SubscribeMessageSentEvent`."""

    title = "订阅消息"
    kinds = ("mini_program", "official_account")

    @post(
        "/cgi-bin/message/subscribe/send",
        name="sendMessage",
        title="发送订阅消息",
        repeat=Repeat.SEND,
        errcodes=(40003, NO_TEMPLATE, 43101, 43107, 43108, 45168, WRONG_VALUE),
        kinds=("mini_program",),
    )
    async def send(
        self,
        openid: Annotated[OpenId, Key("touser")],
        template_id: TemplateId,
        data: Data,
        *,
        page: Annotated[str | None, Field(max_length=1024)] = None,
        state: Annotated[Literal["formal", "trial", "developer"], Key("miniprogram_state")] = "formal",
        language: Annotated[Language, Key("lang")] = "zh_CN",
    ) -> None:
        """Send a message of a Mini Program; it opens `page`, with its query, of the version `state`."""

    @post(
        "/cgi-bin/message/subscribe/bizsend",
        name="sendNewSubscribeMsg",
        title="发送订阅通知",
        repeat=Repeat.SEND,
        errcodes=(40003, 40013, NO_TEMPLATE, 43101, 43107, WRONG_VALUE),
        kinds=("official_account",),
    )
    async def send_notice(
        self,
        openid: Annotated[OpenId, Key("touser")],
        template_id: TemplateId,
        data: Data,
        *,
        page: Annotated[str | None, Field(max_length=1024)] = None,
        mini_program: Annotated[MiniProgramPage | None, Key("miniprogram"), Refused(40013)] = None,
    ) -> None:
        """Send a message of an Official Account; it opens the URL `page`, or the page of a Mini Program."""

    @post(
        "/wxaapi/newtmpl/addtemplate",
        name="addwxanewtemplate",
        title="选用模板",
        repeat=Repeat.SEND,
        errcodes=(
            40400, 200001, 200011, 200012, 200013, NO_TITLE, 200020, 200021, 200022, 200100
        ),
    )  # fmt: skip
    async def add_template(
        self,
        tid: TitleId,
        keyword_ids: Annotated[Sequence[int], Field(min_length=2, max_length=5), Key("kidList"), Refused(200020)],
        purpose: Annotated[str, Field(max_length=15), Key("sceneDesc"), Refused(200021)],
    ) -> Annotated[str, Key("priTmplId")]:
        """Add a template of the library with 2 to 5 keywords, in their order, and return its id."""

    @post(
        "/wxaapi/newtmpl/deltemplate",
        name="delwxanewtemplate",
        title="删除模板",
        repeat=Repeat.READ,
        errcodes=(20001, 20002, 200001, 200002, NO_TITLE),
    )
    async def delete_template(self, template_id: Annotated[Id, Key("priTmplId"), Refused(NO_TITLE)]) -> None:
        """Delete a template of the account."""

    @get(
        "/wxaapi/newtmpl/gettemplate",
        name="getwxapubnewtemplate",
        title="获取已有模板列表",
        repeat=Repeat.READ,
        errcodes=(404, 200100),
    )
    async def templates(self) -> Annotated[list[SubscribeTemplate], Key("data")]:
        """Return the templates of the account."""

    @get(
        "/wxaapi/newtmpl/getcategory",
        name="getCategory",
        title="获取类目",
        repeat=Repeat.READ,
        errcodes=(404, 20001, 200100),
    )
    async def categories(self) -> Annotated[list[Category], Key("data")]:
        """Return the categories of the account, which have templates of their own."""

    @get(
        "/wxaapi/newtmpl/getpubtemplatetitles",
        name="getPubNewTemplatetitles",
        title="获取类目下的公共模板",
        repeat=Repeat.READ,
        errcodes=(404, 200001, 200016, 200017, 200018, 200019),
    )
    async def library(
        self,
        category_ids: Annotated[str, Field(min_length=1, max_length=256), Key("ids"), Refused(200018)],
        *,
        start: Annotated[int, Field(ge=0), Refused(200016)] = 0,
        limit: Annotated[int, Field(ge=1, le=30), Refused(200017)] = 30,
    ) -> TemplateTitles:
        """Return a page of the library's templates of some categories, whose ids are joined by commas."""

    @get(
        "/wxaapi/newtmpl/getpubtemplatekeywords",
        name="getpubnewtemplatekeywords",
        title="获取模板中的关键词",
        repeat=Repeat.READ,
        errcodes=(20001, 200002, NO_TITLE),
    )
    async def keywords(self, tid: TitleId) -> Annotated[list[Keyword], Key("data")]:
        """Return the keywords of a template of the library."""
