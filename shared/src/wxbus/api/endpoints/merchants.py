"""Merchants of a Mini Program with customer service of their own, and the binding to WeChat Customer Service."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, NumberId, Refused, Timestamp, get, post

NO_MERCHANT: Final = 45071
MEDIA_ERRORS: Final = (40004, 40007)
BINDING_ERRORS: Final = (10130002, 10130600, 10130601, 10130602)

BusinessId: TypeAlias = Annotated[NumberId, Refused(NO_MERCHANT)]
AccountName: TypeAlias = Annotated[str, Field(min_length=6, max_length=30), Refused(45091)]
MerchantName: TypeAlias = Annotated[str, Field(min_length=4, max_length=30), Refused(45078)]
IconId: TypeAlias = Annotated[Id, Refused(40007)]
"""Temporary media."""
CorpId: TypeAlias = Annotated[str, Field(min_length=1, max_length=64), Refused(10130600)]


class Merchant(Answer):
    """A merchant."""

    business_id: str
    account_name: str = ""
    nickname: str = ""
    icon_url: str = ""


class WorkBinding(Answer):
    """The WeCom corporation that serves the customers of the Mini Program."""

    name: str = Field(default="", alias="entityName")
    corpid: str = ""
    bound_at: Timestamp | None = Field(default=None, alias="bindTime")


class Merchants(Family):
    """Merchants with customer service of their own; `CustomerService.send` takes their `business_id`."""

    title = "客服子商户"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/business/register",
        name="registerbusiness",
        title="客服子商户创建商户",
        repeat=Repeat.SEND,
        errcodes=(*MEDIA_ERRORS, 45070, 45077, 45078, 45079, 45091),
    )
    async def register(
        self,
        account_name: AccountName,
        nickname: MerchantName,
        icon_media_id: IconId,
        *,
        fall_back: Annotated[bool | None, Key("transfer_to_commkf")] = None,
    ) -> Annotated[str, Key("business_id")]:
        """Add a merchant and return its id.

        `fall_back` sends users to the common customer service while no agent of the merchant is online.
        """

    @post(
        "/cgi-bin/business/update",
        name="updatebusiness",
        title="客服子商户更新商户信息",
        repeat=Repeat.READ,
        errcodes=(*MEDIA_ERRORS, NO_MERCHANT, 45077, 45078, 45079),
    )
    async def update(
        self, business_id: BusinessId, *, nickname: MerchantName | None = None, icon_media_id: IconId | None = None
    ) -> None:
        """Change a merchant."""

    @post(
        "/cgi-bin/business/get",
        name="getbusiness",
        title="客服子商户拉取单个商户信息",
        repeat=Repeat.READ,
        errcodes=(NO_MERCHANT,),
    )
    async def find(self, business_id: BusinessId) -> Annotated[Merchant, Key("business_info")]:
        """Return a merchant."""

    @post(
        "/cgi-bin/business/get",
        name="getbusiness",
        title="客服子商户拉取单个商户信息",
        repeat=Repeat.READ,
        errcodes=(NO_MERCHANT,),
    )
    async def find_by_name(self, account_name: AccountName) -> Annotated[Merchant, Key("business_info")]:
        """Return the merchant with an account name."""

    @post(
        "/cgi-bin/business/list",
        name="listbusiness",
        title="客服子商户拉取多个商户信息",
        repeat=Repeat.READ,
    )
    async def page(
        self, offset: Annotated[int, Field(ge=0)] = 0, count: Annotated[int, Field(ge=1, le=200)] = 200
    ) -> Annotated[list[Merchant], Key("list")]:
        """Return merchants from `offset` on; fewer than `count`: the last page."""

    @post(
        "/customservice/work/bind",
        name="bindKfWork",
        title="绑定微信客服",
        repeat=Repeat.READ,
        errcodes=(*BINDING_ERRORS, 10130030, 10130603),
    )
    async def bind_work(self, corpid: CorpId) -> None:
        """Let a WeCom corporation of the same owner serve the customers."""

    @get(
        "/customservice/work/get",
        name="getKfWorkBound",
        title="查询绑定情况",
        repeat=Repeat.READ,
        errcodes=(10130030,),
        older="POST",
    )
    async def work_binding(self) -> WorkBinding:
        """Return the WeCom corporation that serves the customers."""

    @post(
        "/customservice/work/unbind",
        name="unbindKfWork",
        title="解除绑定微信客服",
        repeat=Repeat.READ,
        errcodes=(*BINDING_ERRORS, 10130604),
    )
    async def unbind_work(self, corpid: CorpId) -> None:
        """End the binding to a WeCom corporation."""
