"""Invoices (protocol reference 6.1)."""

from pydantic import AliasChoices, Field

from wxbus.wechat.messages.base import Event, PlatformEvent


class AuthorizeInvoiceEvent(Event):
    """A user authorised an invoice."""

    event: str = "user_authorize_invoice"
    succ_order_id: str = ""
    fail_order_id: str = ""
    authorize_app_id: str = Field(
        default="",
        validation_alias=AliasChoices("AuthorizeAppId", "AppId"),
        serialization_alias="AuthorizeAppId",
    )
    """WeChat names it `AuthorizeAppId` or `AppId`."""
    source: str = ""


class InvoiceTitleEvent(PlatformEvent):
    """A user submitted the recipient of an invoice."""

    event: str = "submit_invoice_title"
    title: str = ""
    phone: str = ""
    tax_no: str = ""
    addr: str = ""
    bank_type: str = ""
    bank_no: str = ""
    attach: str = ""
    title_type: str = ""


class UpdateInvoiceStatusEvent(Event):
    """The state of a user's invoice changed."""

    event: str = "update_invoice_status"
    status: str = ""
    """`INVOICE_REIMBURSE_INIT`, `_LOCK`, `_CLOSURE` or `_CANCEL`."""
    card_id: str = ""
    code: str = ""
    """Of the user's card."""


class CloudInvoiceResultEvent(PlatformEvent):
    """An invoice was issued, or failed."""

    event: str = "cloud_invoice_invoiceresult_event"
    fpqqlsh: str = ""
    """Number of the invoice request."""
    nsrsbh: str = ""
    """Tax id of the issuer."""
    status: str = ""
