"""Invoices (protocol reference 6.1)."""

from wxbus.wechat.base import Event, PlatformEvent


class AuthorizeInvoiceEvent(Event):
    """A user let us issue an invoice."""

    event: str = "user_authorize_invoice"
    succ_order_id: str = ""
    fail_order_id: str = ""
    authorize_app_id: str = ""
    source: str = ""


class InvoiceTitleEvent(PlatformEvent):
    """A user told to whom an invoice goes."""

    event: str = "submit_invoice_title"
    title: str = ""
    phone: str = ""
    tax_no: str = ""
    addr: str = ""
    bank_type: str = ""
    bank_no: str = ""
    attach: str = ""
    title_type: str = ""
