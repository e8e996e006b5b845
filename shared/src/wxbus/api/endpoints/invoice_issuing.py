"""Invoices issued through WeChat, and by platforms of their own."""

from typing import Annotated, Final, Literal

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Family,
    FileLimits,
    Id,
    Key,
    Refused,
    post,
)
from wxbus.api.endpoints.invoice_content import InvoiceRequest, InvoiceTemplate, IssuedInvoice, PdfUrl
from wxbus.api.uploads import UploadFile

MAX_PDF: Final = 10 * 1024 * 1024


class InvoiceIssuing(Family):
    """Issuing of invoices."""

    title = "开具发票"
    kinds = ("official_account",)

    @post(
        "/card/invoice/makeoutinvoice",
        name="makeOutInvoice",
        title="统一开票-开具蓝票",
        repeat=Repeat.SEND,
        errcodes=(73000, 73001, 73100, 73105, 73106, 73107, 73108),
    )
    async def issue(self, invoice: Annotated[InvoiceRequest, Key("invoiceinfo")]) -> None:
        """Issue an invoice; the result is a `CloudInvoiceResultEvent`."""

    @post(
        "/card/invoice/clearoutinvoice",
        name="clearOutInvoice",
        title="统一开票-发票冲红",
        repeat=Repeat.SEND,
        errcodes=(73000, 73100),
    )
    async def reverse(self, invoice: Annotated[InvoiceRequest, Key("invoiceinfo")]) -> None:
        """Reverse an issued invoice."""

    @post(
        "/card/invoice/queryinvoceinfo",
        name="queryInvoiceInfo",
        title="统一开票-查询已开发票",
        repeat=Repeat.READ,
        errcodes=(73109,),
    )
    async def find(
        self, request_id: Annotated[Id, Key("fpqqlsh")], tax_number: Annotated[Id, Key("nsrsbh")]
    ) -> Annotated[IssuedInvoice, Key("invoicedetail")]:
        """Return an issued invoice."""

    @post("/card/invoice/seturl", name="setUrl", title="获取自身的开票平台识别码", repeat=Repeat.READ)
    async def platform_url(self) -> Annotated[str, Key("invoice_url")]:
        """Return an address that contains the id of the platform (s_pappid)."""

    @post(
        "/card/invoice/platform/createcard",
        name="createInvoiceCard",
        title="创建发票卡券模板",
        repeat=Repeat.SEND,
        errcodes=(72015,),
    )
    async def create_template(
        self, template: Annotated[InvoiceTemplate, Key("invoice_info")]
    ) -> Annotated[str, Key("card_id")]:
        """Create the card of a payee's invoices."""

    @post("/card/invoice/platform/setpdf", name="setPdf", title="上传PDF", repeat=Repeat.SEND, errcodes=(72040, 72046))
    async def upload_pdf(
        self, pdf: Annotated[UploadFile, FileLimits(MAX_PDF, (".pdf",)), Refused(72040)]
    ) -> Annotated[str, Key("s_media_id")]:
        """Upload the PDF of an invoice; its id expires after 3 days."""

    @post(
        "/card/invoice/platform/getpdf",
        name="getPdf",
        title="查询已上传的PDF文件",
        repeat=Repeat.READ,
        fixed={"action": "get_url"},
        fixed_query={"action": "get_url"},
    )
    async def pdf(self, media_id: Annotated[Id, Key("s_media_id")]) -> PdfUrl:
        """Return the address of an uploaded PDF."""

    @post(
        "/card/invoice/platform/updatestatus",
        name="updateInvoiceStatus",
        title="更新发票卡券状态",
        repeat=Repeat.READ,
        errcodes=(72024,),
    )
    async def set_status(
        self,
        card_id: Id,
        code: Id,
        status: Annotated[
            Literal[
                "INVOICE_REIMBURSE_INIT",
                "INVOICE_REIMBURSE_LOCK",
                "INVOICE_REIMBURSE_CLOSURE",
                "INVOICE_REIMBURSE_CANCEL",
            ],
            Key("reimburse_status"),
        ],
    ) -> None:
        """Set the state of an invoice."""
