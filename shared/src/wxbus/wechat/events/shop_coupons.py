"""Coupons and vouchers of a WeChat Shop; times are seconds since the epoch."""

from pydantic import AliasChoices, Field

from wxbus.wechat.messages.base import Int, Many, Maybe, PlatformEvent, PlatformPart


class ShopCoupon(PlatformPart):
    """A coupon type; an event sets only its own time."""

    coupon_id: str = ""
    create_time: Int = None
    delete_time: Int = None
    expire_time: Int = None
    change_time: Int = None
    invalid_time: Int = None


class ShopCouponEvent(PlatformEvent):
    """An event of a coupon type."""

    coupon_info: Maybe[ShopCoupon] = None


class ShopCouponCreateEvent(ShopCouponEvent):
    """A coupon type was created."""

    event: str = "channels_ec_coupon_create"


class ShopCouponDeleteEvent(ShopCouponEvent):
    """A coupon type was deleted."""

    event: str = "channels_ec_coupon_delete"


class ShopCouponExpireEvent(ShopCouponEvent):
    """A coupon type expired."""

    event: str = "channels_ec_coupon_expire"


class ShopCouponInfoChangeEvent(ShopCouponEvent):
    """A coupon type changed."""

    event: str = "channels_ec_coupon_info_change"


class ShopCouponInvalidEvent(ShopCouponEvent):
    """A coupon type became invalid."""

    event: str = "channels_ec_coupon_invalid"


class ShopUserCoupon(PlatformPart):
    """A user's coupon; an event sets only its own time."""

    coupon_id: str = ""
    user_coupon_id: str = ""
    order_id: str = ""
    receive_time: Int = None
    expire_time: Int = None
    use_time: Int = None
    unuse_time: Int = None


class ShopCouponReceiveEvent(PlatformEvent):
    """A user received a coupon."""

    event: str = "channels_ec_coupon_receive"
    receive_info: Maybe[ShopUserCoupon] = None


class ShopUserCouponEvent(PlatformEvent):
    """An event of a user's coupon."""

    user_coupon_info: Maybe[ShopUserCoupon] = None


class ShopUserCouponExpireEvent(ShopUserCouponEvent):
    """A user's coupon expired."""

    event: str = "channels_ec_user_coupon_expire"


class ShopUserCouponUseEvent(ShopUserCouponEvent):
    """A user's coupon was used; WeChat names the structure `user_coupon_info` or `user_info`."""

    event: str = "channels_ec_user_coupon_use"
    user_coupon_info: Maybe[ShopUserCoupon] = Field(
        default=None, validation_alias=AliasChoices("user_coupon_info", "user_info")
    )


class ShopUserCouponReturnEvent(ShopUserCouponEvent):
    """A user's used coupon was returned."""

    event: str = "channels_ec_user_coupon_unuse"


class ShopVoucher(PlatformPart):
    """A voucher."""

    code: str = Field(default="", repr=False)
    """The code is sufficient to use the voucher."""
    status: Int = None
    """1 available, 2 used, 3 refunded, 4 expired, 5 reserved."""
    order_id: str = ""
    product_id: str = ""
    sku_id: str = ""
    openid: str = ""


class ShopVoucherSentEvent(PlatformEvent):
    """Vouchers were given to a user."""

    event: str = "channels_ec_voucher_send_succ"
    voucher_list: Many[ShopVoucher] = ()
