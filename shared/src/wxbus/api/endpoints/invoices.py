"""Invoices that users ask for and find among their cards."""

from typing import Annotated, Any, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    Id,
    Key,
    Secret,
    Timestamp,
    post,
)
from wxbus.api.endpoints.invoice_content import (
    ORDER_ERRORS,
    AuthData,
    AuthUrl,
    FormFields,
    InsertedInvoice,
    InvoiceCardExt,
    MerchantContact,
    OrderId,
    PaymentMerchant,
    PlatformId,
)


class Invoices(Family):
    """Invoices of a merchant; a user's request is an `AuthorizeInvoiceEvent`."""

    title = "电子发票"
    kinds = ("official_account",)

    @post(
        "/card/invoice/getauthurl",
        name="getAuthUrl",
        title="获取授权页链接",
        repeat=Repeat.READ,
        errcodes=(72015, 72028, 72029, *ORDER_ERRORS),
    )
    async def request_url(
        self,
        order_id: OrderId,
        platform_id: PlatformId,
        money: Annotated[int, Field(ge=0)],
        source: Literal["app", "web", "wap", "wxa"],
        ticket: Secret,
        kind: Annotated[Literal[0, 1, 2], Key("type")],
        *,
        timestamp: Timestamp | None = None,
        redirect_url: str | None = None,
    ) -> AuthUrl:
        """Return the page on which a user asks for an invoice of an order; money is in fen.

        Kinds: 0 the merchant issues it, 1 the user fills in a form, 2 the user takes an existing one.
        """

    @post(
        "/card/invoice/getauthdata",
        name="getAuthData",
        title="查询授权完成状态",
        repeat=Repeat.READ,
        errcodes=(72038, *ORDER_ERRORS),
    )
    async def requested(self, order_id: OrderId, platform_id: PlatformId) -> AuthData:
        """Return the status of a request, and the fields that the user entered."""

    @post(
        "/card/invoice/rejectinsert",
        name="rejectInsert",
        title="拒绝开票",
        repeat=Repeat.SEND,
        errcodes=(72035, *ORDER_ERRORS),
    )
    async def reject(
        self,
        order_id: OrderId,
        platform_id: PlatformId,
        reason: Annotated[str, Field(min_length=1)],
        *,
        url: str | None = None,
    ) -> None:
        """Refuse a user's request for an invoice."""

    @post(
        "/card/invoice/insert",
        name="insertInvoice",
        title="将电子发票卡券插入用户卡包",
        repeat=Repeat.SEND,
        errcodes=(72017, 72018, 72023, 72024, *ORDER_ERRORS),
    )
    async def insert(
        self, order_id: OrderId, appid: Id, card_id: Id, card: Annotated[InvoiceCardExt, Key("card_ext")]
    ) -> InsertedInvoice:
        """Add an invoice to the user's cards."""

    @post(
        "/card/invoice/setbizattr",
        name="setContact",
        title="设置商户联系方式",
        repeat=Repeat.READ,
        errcodes=(72063,),
        fixed_query={"action": "set_contact"},
    )
    async def set_contact(self, contact: MerchantContact) -> None:
        """Set how long users can ask for an invoice, and the phone number of the merchant."""

    @post(
        "/card/invoice/setbizattr",
        name="getContact",
        title="查询商户联系方式",
        repeat=Repeat.READ,
        fixed_query={"action": "get_contact"},
    )
    async def contact(self) -> Annotated[dict[str, Any], Key("contact")]:
        """Return how long users can ask, and the merchant's phone number, by WeChat's names."""

    @post(
        "/card/invoice/setbizattr",
        name="setAuthField",
        title="设置授权页字段信息",
        repeat=Repeat.READ,
        errcodes=(72063,),
        fixed_query={"action": "set_auth_field"},
    )
    async def set_form(self, form: Annotated[FormFields, Key("auth_field")]) -> None:
        """Set the form on which users ask for an invoice."""

    @post(
        "/card/invoice/setbizattr",
        name="getAuthField",
        title="查询授权页字段信息",
        repeat=Repeat.READ,
        fixed_query={"action": "get_auth_field"},
    )
    async def form(self) -> Annotated[dict[str, Any], Key("auth_field")]:
        """Return the form, by WeChat's names."""

    @post(
        "/card/invoice/setbizattr",
        name="setPayMch",
        title="关联商户号与开票平台",
        repeat=Repeat.READ,
        errcodes=(72030,),
        fixed_query={"action": "set_pay_mch"},
    )
    async def set_payment(self, merchant: Annotated[PaymentMerchant, Key("paymch_info")]) -> None:
        """Offer invoices after payments to a merchant."""

    @post(
        "/card/invoice/setbizattr",
        name="getPayMch",
        title="查询商户号与开票平台关联情况",
        repeat=Repeat.READ,
        fixed_query={"action": "get_pay_mch"},
    )
    async def payment(self) -> Annotated[dict[str, Any], Key("paymch_info")]:
        """Return the merchant of payments, by WeChat's names."""
