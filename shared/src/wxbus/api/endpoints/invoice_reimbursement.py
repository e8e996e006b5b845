"""Invoices that users submit for reimbursement, and the titles of invoices."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Flag,
    Id,
    Key,
    Part,
    Refused,
    Timestamp,
    post,
)

Status: TypeAlias = Annotated[
    Literal["INVOICE_REIMBURSE_INIT", "INVOICE_REIMBURSE_LOCK", "INVOICE_REIMBURSE_CLOSURE"], Key("reimburse_status")
]


class InvoiceRef(Part):
    """Names an invoice that a user chose."""

    card_id: str
    encrypt_code: str


class InvoiceUserInfo(Answer):
    """The content of an invoice; money is in fen."""

    title: str = ""
    fee: int = 0
    fee_without_tax: int = 0
    tax: int = 0
    billing_no: str = ""
    billing_code: str = ""
    billing_time: Timestamp | None = None
    check_code: str = ""
    reimburse_status: str = ""
    pdf_url: str = ""
    order_id: str = ""
    buyer_number: str = ""
    seller_number: str = ""


class ChosenInvoice(Answer):
    """An invoice of a user."""

    card_id: str = ""
    openid: str = ""
    type: str = ""
    payee: str = ""
    detail: str = ""
    user_card_status: str = ""
    begin_time: Timestamp | None = None
    end_time: Timestamp | None = None
    user_info: InvoiceUserInfo = InvoiceUserInfo()


class InvoiceTitle(Answer):
    """The title of invoices: the data of a company or a person as the buyer."""

    title_type: int = 0
    """0 company, 1 person."""
    title: str = ""
    tax_no: str = ""
    phone: str = ""
    addr: str = ""
    bank_type: str = ""
    bank_no: str = ""


class InvoiceReimbursement(Family):
    """Invoices that users submit for reimbursement."""

    title = "发票报销"
    kinds = ("official_account", "mini_program")

    @post(
        "/card/invoice/reimburse/getinvoiceinfo",
        name="getInvoiceInfo",
        title="查询报销发票信息",
        repeat=Repeat.READ,
        errcodes=(72019, 72037),
    )
    async def find(
        self, card_id: Id, encrypted_code: Annotated[str, Field(min_length=1), Key("encrypt_code")]
    ) -> ChosenInvoice:
        """Return an invoice that a user chose."""

    @post(
        "/card/invoice/reimburse/getinvoicebatch",
        name="getInvoiceBatch",
        title="批量查询报销发票信息",
        repeat=Repeat.READ,
        errcodes=(72052,),
    )
    async def find_many(
        self, invoices: Annotated[list[InvoiceRef], Field(min_length=1), Key("item_list"), Refused(72052)]
    ) -> Annotated[list[ChosenInvoice], Key("item_list")]:
        """Return invoices that a user chose."""

    @post(
        "/card/invoice/reimburse/updateinvoicestatus",
        name="updateInvoiceStatus",
        title="报销方更新发票状态",
        repeat=Repeat.READ,
        errcodes=(72023, 72024, 72027, 72037, 72039),
    )
    async def set_status(
        self, card_id: Id, encrypted_code: Annotated[str, Field(min_length=1), Key("encrypt_code")], status: Status
    ) -> None:
        """Lock an invoice, free it, or close it as paid."""

    @post(
        "/card/invoice/reimburse/updatestatusbatch",
        name="updateStatusBatch",
        title="报销方批量更新发票状态",
        repeat=Repeat.READ,
        errcodes=(72023, 72024, 72027, 72037),
    )
    async def set_status_of_many(
        self,
        openid: Id,
        invoices: Annotated[list[InvoiceRef], Field(min_length=1), Key("invoice_list")],
        status: Status,
    ) -> None:
        """Lock, free or close invoices of one user, all or none."""

    @post(
        "/card/invoice/biz/getusertitleurl",
        name="getUserTitleUrl",
        title="将发票抬头信息录入到用户微信中",
        repeat=Repeat.READ,
    )
    async def title_url(
        self,
        *,
        title: str | None = None,
        tax_no: str | None = None,
        phone: str | None = None,
        address: Annotated[str | None, Key("addr")] = None,
        bank: Annotated[str | None, Key("bank_type")] = None,
        bank_no: str | None = None,
        user_fill: Flag = False,
        out_title_id: str | None = None,
    ) -> Annotated[str, Key("url")]:
        """Return the address of a page on which a user stores the title of a company."""

    @post(
        "/card/invoice/biz/getselecttitleurl",
        name="getSelectTitleUrl",
        title="获取商户专属二维码(抬头)",
        repeat=Repeat.READ,
    )
    async def select_title_url(
        self, *, attach: str | None = None, shop_name: Annotated[str | None, Key("biz_name")] = None
    ) -> Annotated[str, Key("url")]:
        """Return the address of a page that lets a user choose a title; the result is an `InvoiceTitleEvent`."""

    @post(
        "/card/invoice/scantitle",
        name="scanTitle",
        title="商户扫描用户的发票抬头二维码",
        repeat=Repeat.READ,
        errcodes=(72044,),
    )
    async def scan_title(self, scan_text: Annotated[str, Field(min_length=1)]) -> InvoiceTitle:
        """Return the title in a QR code that a user shows."""
