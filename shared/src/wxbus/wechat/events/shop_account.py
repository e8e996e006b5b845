"""The WeChat Shop itself: its money, name and state, its drop shipping and its waybills.

Times are seconds since the epoch. `from_user` is an id of WeChat's own or "".
"""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class ShopAccount(PlatformPart):
    """The account that the shop's money is paid to."""

    event: Int = Field(default=None, alias="event")
    """1: it changed."""


class ShopAccountEvent(PlatformEvent):
    """The account that the shop's money is paid to changed."""

    event: str = "channels_ec_acct_notify"
    account_info: Maybe[ShopAccount] = None


class ShopWithdrawal(PlatformPart):
    """A withdrawal of the shop's money."""

    withdraw_id: str = ""
    event: Int = Field(default=None, alias="event")
    """1 started, 2 verified, 3 done, 4 failed."""


class ShopWithdrawalEvent(PlatformEvent):
    """A withdrawal of the shop's money made progress."""

    event: str = "channels_ec_withdraw_notify"
    withdraw_info: Maybe[ShopWithdrawal] = None


class ShopQrCode(PlatformPart):
    """A QR code that confirms a withdrawal."""

    ticket: str = ""
    status: Int = None
    scan_user_type: Int = None


class ShopQrCodeStatusEvent(PlatformEvent):
    """A QR code that confirms a withdrawal was scanned."""

    event: str = "qrcode_status"
    qrcode_info: Maybe[ShopQrCode] = None


class ShopStatusChangeEvent(PlatformEvent):
    """The shop's state changed; the fields are in `model_extra`."""

    event: str = "channels_ec_change_status"


class ShopCloseEvent(PlatformEvent):
    """The shop was closed."""

    event: str = "channels_ec_close_store"
    appid: str = ""
    close_timestamp: Int = None


class ShopNicknameEvent(PlatformEvent):
    """The shop got another name."""

    event: str = "set_shop_nickname"
    appid: str = ""
    old_nickname: str = ""
    new_nickname: str = ""


class ShopHeadImageEvent(PlatformEvent):
    """The shop got another picture; the fields are in `model_extra`."""

    event: str = "set_shop_headimg"


class ShopApiDiffEvent(PlatformEvent):
    """WeChat's API for shops changes; the fields are in `model_extra`."""

    event: str = "api_diff"


class DropshipOrderEvent(PlatformEvent):
    """An order that a supplier ships for the shop changed."""

    ds_order_id: str = ""
    update_time: Int = None


class DropshipOrderNewEvent(DropshipOrderEvent):
    """A supplier got an order to ship."""

    event: str = "dropship_order_new"


class DropshipOrderCancelEvent(DropshipOrderEvent):
    """An order to ship was cancelled."""

    event: str = "dropship_order_cancel"


class DropshipOrderUpdateEvent(DropshipOrderEvent):
    """An order to ship changed."""

    event: str = "dropship_order_update"


class ElectronicWaybill(PlatformPart):
    """How far a parcel is."""

    ewaybill_order_id: str = ""
    waybill_id: str = ""
    update_time: Int = None
    status: Int = None
    desc: str = ""


class ElectronicWaybillPathEvent(PlatformEvent):
    """A parcel of the shop made progress."""

    event: str = "ewaybill_push_path"
    waybill_info: Maybe[ElectronicWaybill] = None
