"""Models of invoices in WeChat."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field

from wxbus.api.declaration import (
    Answer,
    Key,
    Part,
    Timestamp,
)

ORDER_ERRORS: Final = (72031,)

OrderId: TypeAlias = Annotated[str, Field(min_length=1, max_length=100), Key("order_id")]
PlatformId: TypeAlias = Annotated[str, Field(min_length=1), Key("s_pappid")]
"""The id of the issuing platform, from the address of `InvoiceIssuing.platform_url`."""


class CustomField(Part):
    """A field of your own."""

    key: str
    is_require: Literal[0, 1] = 0
    notice: str | None = None


class UserFields(Part):
    """The fields that persons enter."""

    show_title: Literal[0, 1] = 1
    show_phone: Literal[0, 1] = 0
    show_email: Literal[0, 1] = 0
    custom_field: list[CustomField] | None = None


class CompanyFields(Part):
    """The fields that companies enter."""

    show_title: Literal[0, 1] = 1
    show_tax_no: Literal[0, 1] = 1
    show_addr: Literal[0, 1] = 0
    show_phone: Literal[0, 1] = 0
    show_bank_type: Literal[0, 1] = 0
    show_bank_no: Literal[0, 1] = 0
    custom_field: list[CustomField] | None = None


class FormFields(Part):
    """The form on which users ask for an invoice."""

    user_field: UserFields
    biz_field: CompanyFields


class MerchantContact(Part):
    """The phone number of the merchant, and how long users can ask for an invoice."""

    phone: str
    time_out: int
    """Seconds."""


class PaymentMerchant(Part):
    """The merchant of WeChat Pay."""

    mchid: str
    s_pappid: str


class AuthUrl(Answer):
    """The page on which a user asks for an invoice."""

    auth_url: str
    appid: str = ""


class EnteredField(Answer):
    """A field of your own."""

    key: str = ""
    value: str = ""


class PersonTitle(Answer):
    """The fields that a person entered."""

    title: str = ""
    phone: str = ""
    email: str = ""
    custom_field: tuple[EnteredField, ...] = ()


class CompanyTitle(Answer):
    """The fields that a company entered."""

    title: str = ""
    tax_no: str = ""
    addr: str = ""
    phone: str = ""
    bank_type: str = ""
    bank_no: str = ""
    custom_field: tuple[EnteredField, ...] = ()


class AuthInfo(Answer):
    """The fields that a user entered."""

    user_field: PersonTitle | None = None
    biz_field: CompanyTitle | None = None


class AuthData(Answer):
    """The status of a request for an invoice."""

    invoice_status: str = ""
    auth_time: Timestamp | None = None
    user_auth_info: AuthInfo = AuthInfo()


class InvoiceData(Part):
    """The invoice in a card; fields by WeChat's names, money in fen."""

    model_config = ConfigDict(extra="allow")

    fee: int
    title: str
    billing_time: int
    billing_no: str
    billing_code: str
    fee_without_tax: int
    tax: int
    s_pdf_media_id: str
    check_code: str


class InvoiceUserCard(Part):
    """The card of a user."""

    invoice_user_data: InvoiceData


class InvoiceCardExt(Part):
    """The card of a user, with a random text."""

    nonce_str: str
    user_card: InvoiceUserCard


class InsertedInvoice(Answer):
    """An invoice among the user's cards."""

    code: str
    openid: str = ""
    unionid: str = ""


class IssuedInvoice(Answer):
    """An issued invoice; WeChat's names are the first letters of the Chinese words."""

    request_id: str = Field(default="", alias="fpqqlsh")
    code: str = Field(default="", alias="fpdm")
    number: str = Field(default="", alias="fphm")
    date: str = Field(default="", alias="kprq")
    check_code: str = Field(default="", alias="jym")
    pdf_url: str = Field(default="", alias="pdfurl")


class InvoiceRequest(Part):
    """An invoice to issue or to reverse, with WeChat's names (ghfmc, nsrsbh, invoicedetail_list ...)."""

    model_config = ConfigDict(extra="allow")

    wxopenid: str
    fpqqlsh: str
    """Your id of the request: the same one issues one invoice."""
    nsrsbh: str
    """The tax number of the seller."""
    nsrmc: str
    """The name of the seller."""


class TemplateBase(Part):
    """The appearance of the card."""

    logo_url: str
    title: str = Field(max_length=9)
    custom_url_name: str | None = None
    custom_url: str | None = None
    custom_url_sub_title: str | None = None
    promotion_url_name: str | None = None
    promotion_url: str | None = None
    promotion_url_sub_title: str | None = None


class InvoiceTemplate(Part):
    """The card of all invoices of a payee."""

    base_info: TemplateBase
    payee: str
    type: str


class PdfUrl(Answer):
    """The address of a PDF."""

    pdf_url: str
    pdf_url_expire_time: int = 0
    """Seconds."""
