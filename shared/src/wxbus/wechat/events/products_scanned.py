"""Scanned bar codes and QR codes of products (a deprecated feature of WeChat)."""

from wxbus.wechat.messages.base import Event, Int


class ScannedProductEvent(Event):
    """An event of a scanned product."""

    key_standard: str = ""
    """`ean13` or `qrcode`."""
    key_str: str = ""
    country: str = ""
    province: str = ""
    city: str = ""
    sex: Int = None
    """1 male, 2 female, 0 unknown."""
    scene: Int = None
    """1 scanned, 2 from another page."""
    region_code: str = ""
    ext_info: str = ""


class UserScanProductEvent(ScannedProductEvent):
    """A user opened a product's page."""

    event: str = "user_scan_product"


class UserScanProductEnterSessionEvent(ScannedProductEvent):
    """A user opened the conversation from a product's page."""

    event: str = "user_scan_product_enter_session"


class UserScanProductAsyncEvent(ScannedProductEvent):
    """A user opened the page of a product with dynamic data."""

    event: str = "user_scan_product_async"


class UserScanProductVerifyActionEvent(Event):
    """A product's page was reviewed."""

    event: str = "user_scan_product_verify_action"
    key_standard: str = ""
    key_str: str = ""
    result: str = ""
    """`verify_ok` or `verify_not_pass`."""
    reason_msg: str = ""
