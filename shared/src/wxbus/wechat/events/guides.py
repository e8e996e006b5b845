"""Shopping guides, a product that WeChat withdrew.

Only one event has known fields; those of the others are in `model_extra`.
"""

from wxbus.wechat.messages.base import Event, Int, WrappedEvent


class GuideQrCodeScanEvent(WrappedEvent):
    """A user scanned a guide's QR code."""

    event: str = "guide_qrcode_scan_event"
    wrapper = "GuideScanEvent"
    qrcode_guide_account: str = ""
    qrcode_guide_openid: str = ""
    openid: str = ""
    """Of the user."""
    action: Int = None
    qrcode_info: str = ""


class GuideInviteResultEvent(Event):
    """An invited guide accepted or refused."""

    event: str = "guide_invite_result_event"


class GuideBuyerAddedEvent(Event):
    """A customer was assigned to a guide."""

    event: str = "add_guide_buyer_relation_event"
