"""Virtual payment: coins and goods of a Mini Program. Money is in fen, coins are counted.

The results for buyers are `XpayEvent`s.
"""

from typing import Annotated, Literal

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Timestamp, post
from wxbus.api.endpoints.payment_rules import (
    ERRORS,
    MONEY_ERRORS,
    Amount,
    AppKey,
    DeviceType,
    Environment,
    Number,
    SessionKey,
    UserIp,
)


class CoinBalance(Answer):
    """The coins of a user."""

    balance: int = 0
    present_balance: int = 0
    """Of these, the coins that were given away."""
    first_save_flag: bool = False
    """Whether the user has never paid."""
    sum_save: int = 0
    sum_present: int = 0
    sum_balance: int = 0
    sum_cost: int = 0


class CoinPayment(Answer):
    """A payment with coins."""

    order_id: str
    balance: int = 0
    used_present_amount: int = 0


class CoinPresent(Answer):
    """Coins that were given away."""

    order_id: str
    balance: int = 0
    present_balance: int = 0


class PaymentOrder(Answer):
    """An order."""

    order_id: str
    wx_order_id: str = ""
    status: int = 0
    """0 new, 1 made, 2 paid, 3 being delivered, 4 delivered, 5 refunded, 6 closed ..."""
    env_type: int = 0
    order_type: int = 0
    biz_type: int = 0
    order_fee: int = 0
    coupon_fee: int = 0
    paid_fee: int = 0
    refund_fee: int = 0
    left_fee: int = 0
    """The amount that can be refunded."""
    paid_time: Timestamp | None = None
    provide_time: Timestamp | None = None
    create_time: Timestamp | None = None
    update_time: Timestamp | None = None
    biz_meta: str = ""
    channel_order_id: str = ""
    wxpay_order_id: str = ""
    sett_state: int = 0
    sett_time: Timestamp | None = None


class Refund(Answer):
    """A refund that WeChat accepted; the result is an `XpayRefundEvent`."""

    refund_order_id: str
    refund_wx_order_id: str = ""
    pay_order_id: str = ""
    pay_wx_order_id: str = ""


class VirtualPayment(Family):
    """Coins and goods of a Mini Program."""

    title = "虚拟支付"
    kinds = ("mini_program",)

    @post(
        "/xpay/query_user_balance",
        name="query_user_balance",
        title="查询代币余额",
        repeat=Repeat.READ,
        errcodes=MONEY_ERRORS,
    )
    async def coin_balance(
        self,
        openid: OpenId,
        user_ip: UserIp,
        app_key: AppKey,
        session_key: SessionKey,
        *,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> CoinBalance:
        """Return the coins of a user."""

    @post("/xpay/currency_pay", name="currency_pay", title="扣减代币", repeat=Repeat.NEVER, errcodes=MONEY_ERRORS)
    async def pay_with_coins(
        self,
        openid: OpenId,
        user_ip: UserIp,
        order_id: Number,
        amount: Amount,
        items: Annotated[str, Key("payitem")],
        app_key: AppKey,
        session_key: SessionKey,
        *,
        remark: str | None = None,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> CoinPayment:
        """Deduct coins from a user; `items` is JSON as text: name, price and number of each."""

    @post(
        "/xpay/cancel_currency_pay",
        name="cancel_currency_pay",
        title="代币支付退款",
        repeat=Repeat.NEVER,
        errcodes=MONEY_ERRORS,
    )
    async def return_coins(
        self,
        openid: OpenId,
        user_ip: UserIp,
        pay_order_id: Number,
        order_id: Number,
        amount: Amount,
        app_key: AppKey,
        session_key: SessionKey,
        *,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[str, Key("order_id")]:
        """Return the coins of a payment; `order_id` is a new number of yours."""

    @post(
        "/xpay/present_currency", name="present_currency", title="代币赠送", repeat=Repeat.NEVER, errcodes=MONEY_ERRORS
    )
    async def give_coins(
        self,
        openid: OpenId,
        order_id: Number,
        amount: Amount,
        app_key: AppKey,
        *,
        user_ip: UserIp | None = None,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> CoinPresent:
        """Give coins to a user."""

    @post("/xpay/query_order", name="query_order", title="查询创建的订单", repeat=Repeat.READ, errcodes=ERRORS)
    async def order(
        self,
        openid: OpenId,
        app_key: AppKey,
        *,
        order_id: Id | None = None,
        wx_order_id: Id | None = None,
        user_ip: UserIp | None = None,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[PaymentOrder, Key("order")]:
        """Return an order by your number or by WeChat's."""

    @post(
        "/xpay/notify_provide_goods",
        name="notify_provide_goods",
        title="通知已发货完成",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def confirm_delivery(
        self,
        app_key: AppKey,
        *,
        order_id: Id | None = None,
        wx_order_id: Id | None = None,
        openid: OpenId | None = None,
        user_ip: UserIp | None = None,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> None:
        """Confirm that the goods of an order are delivered, if the answer to the event did not confirm it."""

    @post(
        "/xpay/refund_order", name="refund_order", title="启动订单退款任务", repeat=Repeat.NEVER, errcodes=MONEY_ERRORS
    )
    async def refund(
        self,
        openid: OpenId,
        refund_order_id: Number,
        refund_fee: Amount,
        left_fee: Amount,
        app_key: AppKey,
        *,
        order_id: Id | None = None,
        wx_order_id: Id | None = None,
        biz_meta: str = "",
        reason: Annotated[Literal["0", "1", "2", "3", "4", "5"], Key("refund_reason")] = "0",
        requested_by: Annotated[Literal["1", "2", "3"], Key("req_from")] = "3",
        user_ip: UserIp | None = None,
        device_type: DeviceType | None = None,
        env: Environment = Environment.PRODUCTION,
    ) -> Refund:
        """Refund an order; `left_fee` must be that of the order.

        The reasons: 0 none, 1 goods, 2 after sales, 3 wish of the user, 4 price, 5 others. Requested by: 1 customer
        service, 2 the user, 3 others.
        """
