"""Bar codes and QR codes of products that users scan (a product of WeChat's that is being withdrawn)."""

from wxbus.wechat.messages.base import Event, Int


class ScannedProductEvent(Event):
    """Something about a product whose code a user scanned."""

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
    """A user came from a product's page into the conversation."""

    event: str = "user_scan_product_enter_session"


class UserScanProductAsyncEvent(ScannedProductEvent):
    """A user opened the page of a product whose data is fetched at that moment."""

    event: str = "user_scan_product_async"


class UserScanProductVerifyActionEvent(Event):
    """A product's page was reviewed."""

    event: str = "user_scan_product_verify_action"
    key_standard: str = ""
    key_str: str = ""
    result: str = ""
    """`verify_ok` or `verify_not_pass`."""
    reason_msg: str = ""
