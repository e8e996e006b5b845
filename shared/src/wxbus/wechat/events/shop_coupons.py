"""Coupons and vouchers of a WeChat Shop; times are seconds since the epoch."""

from pydantic import AliasChoices, Field

from wxbus.wechat.messages.base import Int, Many, Maybe, PlatformEvent, PlatformPart


class ShopCoupon(PlatformPart):
    """A kind of coupon; of the times WeChat sends the one that the event is about."""

    coupon_id: str = ""
    create_time: Int = None
    delete_time: Int = None
    expire_time: Int = None
    change_time: Int = None
    invalid_time: Int = None


class ShopCouponEvent(PlatformEvent):
    """Something about a kind of coupon."""

    coupon_info: Maybe[ShopCoupon] = None


class ShopCouponCreateEvent(ShopCouponEvent):
    """A kind of coupon was created."""

    event: str = "channels_ec_coupon_create"


class ShopCouponDeleteEvent(ShopCouponEvent):
    """A kind of coupon was deleted."""

    event: str = "channels_ec_coupon_delete"


class ShopCouponExpireEvent(ShopCouponEvent):
    """A kind of coupon expired."""

    event: str = "channels_ec_coupon_expire"


class ShopCouponInfoChangeEvent(ShopCouponEvent):
    """A kind of coupon changed."""

    event: str = "channels_ec_coupon_info_change"


class ShopCouponInvalidEvent(ShopCouponEvent):
    """A kind of coupon became invalid."""

    event: str = "channels_ec_coupon_invalid"


class ShopUserCoupon(PlatformPart):
    """One user's coupon; of the times WeChat sends the one that the event is about."""

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
    """Something about one user's coupon."""

    user_coupon_info: Maybe[ShopUserCoupon] = None


class ShopUserCouponExpireEvent(ShopUserCouponEvent):
    """One user's coupon expired."""

    event: str = "channels_ec_user_coupon_expire"


class ShopUserCouponUseEvent(ShopUserCouponEvent):
    """One user's coupon was used; WeChat names the structure `user_coupon_info` or `user_info`."""

    event: str = "channels_ec_user_coupon_use"
    user_coupon_info: Maybe[ShopUserCoupon] = Field(
        default=None, validation_alias=AliasChoices("user_coupon_info", "user_info")
    )


class ShopUserCouponReturnEvent(ShopUserCouponEvent):
    """One user's coupon was given back after it had been used."""

    event: str = "channels_ec_user_coupon_unuse"


class ShopVoucher(PlatformPart):
    """One voucher."""

    code: str = Field(default="", repr=False)
    """Whoever knows it can use the voucher."""
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
