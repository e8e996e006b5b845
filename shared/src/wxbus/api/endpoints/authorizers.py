"""The accounts that have authorised a third-party platform.

Authorisations themselves go through the token service: `wxbus.tokens.component.ComponentClient`.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Id,
    Key,
    Refused,
    Timestamp,
    post,
)

ComponentAppid: TypeAlias = Annotated[Id, Refused(40013)]
OptionName: TypeAlias = Annotated[
    Literal["location_report", "voice_recognize", "customer_service"], Key("option_name"), Refused(61012)
]


class KindOf(Answer):
    """A kind of account, or of verification."""

    id: int
    name: str = ""


class BusinessInfo(Answer):
    """The business features that the account has enabled."""

    open_pay: bool = False
    open_store: bool = False
    open_scan: bool = False
    open_card: bool = False
    open_shake: bool = False


class AuthorizerProfile(Answer):
    """An account."""

    nick_name: str = ""
    user_name: str = ""
    """The original id: gh_..."""
    head_img: str = ""
    service_type_info: KindOf | None = None
    """0 subscription account, 1 converted, 2 service account; 0 for a Mini Program."""
    verify_type_info: KindOf | None = None
    """-1 none, 0 verified ..."""
    principal_name: str = ""
    alias: str = ""
    signature: str = ""
    qrcode_url: str = ""
    business_info: BusinessInfo | None = None
    account_status: int = 0
    """1 normal, 14 cancelled, 16 banned, 18 warned, 19 frozen."""
    mini_program: dict[str, Any] | None = Field(default=None, alias="MiniProgramInfo")
    """Only of a Mini Program."""


class Scope(Answer):
    """A permission set."""

    id: int


class Permission(Answer):
    """A permission set that the account granted."""

    funcscope_category: Scope


class AuthorizerGrant(Answer):
    """What the account granted. The refresh token stays in the token service."""

    authorizer_appid: str = ""
    func_info: tuple[Permission, ...] = ()


class AuthorizerDetails(Answer):
    """An account and what it granted."""

    authorizer_info: AuthorizerProfile = AuthorizerProfile()
    authorization_info: AuthorizerGrant = AuthorizerGrant()


class AuthorizerEntry(Answer):
    """An account in a list."""

    authorizer_appid: str
    auth_time: Timestamp | None = None


class AuthorizerPage(Answer):
    """A page of accounts."""

    total_count: int = 0
    items: tuple[AuthorizerEntry, ...] = Field(default=(), alias="list")


class AuthorizerOption(Answer):
    """An option of an account."""

    option_name: str
    option_value: str


class Authorizers(Family):
    """The accounts that have authorised the platform; called with the platform's own token."""

    title = "已授权的账号"
    kinds = ("component",)

    @post(
        "/cgi-bin/component/api_get_authorizer_info",
        name="getAuthorizerInfo",
        title="获取授权账号详情",
        repeat=Repeat.READ,
        errcodes=(40013, 61003, 61011),
    )
    async def find(self, component_appid: ComponentAppid, authorizer_appid: Id) -> AuthorizerDetails:
        """Return an account and what it granted."""

    @post(
        "/cgi-bin/component/api_get_authorizer_list",
        name="getAuthorizerList",
        title="拉取已授权的账号列表",
        repeat=Repeat.READ,
        errcodes=(40013, 40170, 61011),
    )
    async def page(
        self,
        component_appid: ComponentAppid,
        *,
        offset: Annotated[int, Field(ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=500), Refused(40170)] = 500,
    ) -> AuthorizerPage:
        """Return up to 500 accounts."""

    @post(
        "/cgi-bin/component/api_get_authorizer_option",
        name="getAuthorizerOptionInfo",
        title="获取授权方选项信息",
        repeat=Repeat.READ,
        errcodes=(40013, 61003, 61011, 61012),
    )
    async def option(self, component_appid: ComponentAppid, authorizer_appid: Id, name: OptionName) -> AuthorizerOption:
        """Return an option of an account."""

    @post(
        "/cgi-bin/component/api_set_authorizer_option",
        name="setAuthorizerOptionInfo",
        title="设置授权方选项信息",
        repeat=Repeat.READ,
        errcodes=(40013, 61003, 61011, 61012, 61013),
    )
    async def set_option(
        self,
        component_appid: ComponentAppid,
        authorizer_appid: Id,
        name: OptionName,
        value: Annotated[Literal["0", "1", "2"], Key("option_value"), Refused(61013)],
    ) -> None:
        """Set an option of an account: locations 0 never, 1 on entering, 2 every 5 s; the others 0 off, 1 on."""
