"""A WeChat Shop's payments, name and state, drop shipping and waybills.

Times are seconds since the epoch. `from_user` is an id of WeChat or "".
"""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Maybe, PlatformEvent, PlatformPart


class ShopAccount(PlatformPart):
    """The shop's settlement account."""

    event: Int = Field(default=None, alias="event")
    """1: changed."""


class ShopAccountEvent(PlatformEvent):
    """The shop's settlement account changed."""

    event: str = "channels_ec_acct_notify"
    account_info: Maybe[ShopAccount] = None


class ShopWithdrawal(PlatformPart):
    """A withdrawal of a shop."""

    withdraw_id: str = ""
    event: Int = Field(default=None, alias="event")
    """1 started, 2 verified, 3 done, 4 failed."""


class ShopWithdrawalEvent(PlatformEvent):
    """The state of a shop's withdrawal changed."""

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
    """The shop's name changed."""

    event: str = "set_shop_nickname"
    appid: str = ""
    old_nickname: str = ""
    new_nickname: str = ""


class ShopHeadImageEvent(PlatformEvent):
    """The shop's picture changed; the fields are in `model_extra`."""

    event: str = "set_shop_headimg"


class ShopApiDiffEvent(PlatformEvent):
    """WeChat's API for shops changes; the fields are in `model_extra`."""

    event: str = "api_diff"


class DropshipOrderEvent(PlatformEvent):
    """A drop-shipping order changed."""

    ds_order_id: str = ""
    update_time: Int = None


class DropshipOrderNewEvent(DropshipOrderEvent):
    """A drop-shipping order was created."""

    event: str = "dropship_order_new"


class DropshipOrderCancelEvent(DropshipOrderEvent):
    """A drop-shipping order was cancelled."""

    event: str = "dropship_order_cancel"


class DropshipOrderUpdateEvent(DropshipOrderEvent):
    """A drop-shipping order was updated."""

    event: str = "dropship_order_update"


class ElectronicWaybill(PlatformPart):
    """The state of a parcel."""

    ewaybill_order_id: str = ""
    waybill_id: str = ""
    update_time: Int = None
    status: Int = None
    desc: str = ""


class ElectronicWaybillPathEvent(PlatformEvent):
    """The state of a parcel changed."""

    event: str = "ewaybill_push_path"
    waybill_info: Maybe[ElectronicWaybill] = None
