"""Bills of virtual payment, and withdrawals of its revenue."""

from typing import Annotated

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, Timestamp, post
from wxbus.api.endpoints.payment_rules import ERRORS, MONEY_ERRORS, TASK_ERRORS, AppKey, Environment, Number
from wxbus.api.endpoints.periods import CompactNumberDay


class Withdrawal(Answer):
    """A withdrawal."""

    withdraw_no: str
    wx_withdraw_no: str = ""
    status: int = 0
    """1 made, 2 withdrawn, 3 failed."""
    withdraw_amount: str = ""
    """In yuan."""
    fail_reason: str = ""
    create_time: Timestamp | None = None
    withdraw_success_timestamp: Timestamp | None = None


class Money(Answer):
    """An amount."""

    amount: str
    """In yuan."""
    currency_code: str = "CNY"


class PaymentWithdrawals(Family):
    """Bills and withdrawals."""

    title = "虚拟支付账单与提现"
    kinds = ("mini_program",)

    @post("/xpay/download_bill", name="download_bill", title="下载小程序账单", repeat=Repeat.READ, errcodes=TASK_ERRORS)
    async def bill(
        self,
        begin: Annotated[CompactNumberDay, Key("begin_ds")],
        end: Annotated[CompactNumberDay, Key("end_ds")],
        app_key: AppKey,
        *,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[str, Key("url")]:
        """Return the address of the bill of a period, valid for 30 minutes; repeat while it is made (268490011)."""

    @post(
        "/xpay/create_withdraw_order",
        name="create_withdraw_order",
        title="创建提现单",
        repeat=Repeat.NEVER,
        errcodes=MONEY_ERRORS,
    )
    async def withdraw(
        self,
        withdraw_no: Number,
        app_key: AppKey,
        *,
        amount: Annotated[str | None, Key("withdraw_amount")] = None,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[str, Key("wx_withdraw_no")]:
        """Withdraw an amount in yuan, such as "1.25", or all of it."""

    @post(
        "/xpay/query_withdraw_order",
        name="query_withdraw_order",
        title="查询提现单",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def withdrawal(
        self, withdraw_no: Number, app_key: AppKey, *, env: Environment = Environment.PRODUCTION
    ) -> Withdrawal:
        """Return the status of a withdrawal."""

    @post(
        "/xpay/query_biz_balance",
        name="query_biz_balance",
        title="查询商家账户可提现余额",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def withdrawable(
        self, app_key: AppKey, *, env: Environment = Environment.PRODUCTION
    ) -> Annotated[Money, Key("balance_available")]:
        """Return the balance that can be withdrawn."""
