"""Funds for advertising that WeChat grants for virtual payment."""

from typing import Annotated, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Flag, Id, Key, NumberId, Part, Timestamp, post
from wxbus.api.endpoints.payment_rules import FUND_ERRORS, Amount, AppKey, Environment, Number


class TransferAccount(Answer):
    """An account for advertising."""

    transfer_account_uid: str
    transfer_account_name: str = ""
    transfer_account_agency_id: str = ""
    transfer_account_agency_name: str = ""


class FundFilter(Part):
    """The periods of the funds."""

    settle_begin: Timestamp
    settle_end: Timestamp
    fund_type: Literal[0, 1, 2] | None = None


class BillFilter(Part):
    """The bills to find."""

    oper_time_begin: Timestamp | None = None
    oper_time_end: Timestamp | None = None
    bill_id: str | None = None


class RecoveryFilter(Part):
    """The recoveries to find."""

    recover_time_begin: Timestamp | None = None
    recover_time_end: Timestamp | None = None
    bill_id: str | None = None


class Fund(Answer):
    """A granted fund; money is in fen."""

    fund_id: str
    fund_type: int = 0
    settle_begin: Timestamp | None = None
    settle_end: Timestamp | None = None
    total_amount: int = 0
    remain_amount: int = 0
    expire_time: Timestamp | None = None


class FundPage(Answer):
    """A page of funds."""

    total_page: int = 0
    items: tuple[Fund, ...] = Field(default=(), alias="adver_funds_list")


class FundBill(Answer):
    """A fund that was transferred to an account for advertising."""

    bill_id: str
    oper_time: Timestamp | None = None
    fund_id: str = ""
    settle_begin: Timestamp | None = None
    settle_end: Timestamp | None = None
    transfer_account_uid: str = ""
    transfer_account_name: str = ""
    transfer_amount: int = 0
    status: int = 0


class FundBillPage(Answer):
    """A page of transfers."""

    total_page: int = 0
    bill_list: tuple[FundBill, ...] = ()


class Recovery(Answer):
    """A fund that WeChat took back."""

    bill_id: str
    recover_time: Timestamp | None = None
    fund_id: str = ""
    recover_account_name: str = ""
    recover_amount: int = 0
    refund_order_list: tuple[str, ...] = ()


class RecoveryPage(Answer):
    """A page of recoveries."""

    total_page: int = 0
    bill_list: tuple[Recovery, ...] = ()


class PaymentFunds(Family):
    """Funds for advertising."""

    title = "广告金"
    kinds = ("mini_program",)

    @post(
        "/xpay/query_transfer_account",
        name="query_transfer_account",
        title="查询广告金充值账户",
        repeat=Repeat.READ,
        errcodes=FUND_ERRORS,
    )
    async def accounts(
        self, app_key: AppKey, *, env: Environment = Environment.PRODUCTION
    ) -> Annotated[list[TransferAccount], Key("acct_list")]:
        """Return the accounts for advertising."""

    @post(
        "/xpay/bind_transfer_accout",
        name="bind_transfer_accout",
        title="绑定广告金充值账户",
        repeat=Repeat.READ,
        errcodes=FUND_ERRORS,
    )
    async def bind_account(
        self,
        account_id: Annotated[NumberId, Key("transfer_account_uid")],
        organisation: Annotated[str, Key("transfer_account_org_name")],
        app_key: AppKey,
        *,
        env: Environment = Environment.PRODUCTION,
    ) -> None:
        """Bind an account for advertising."""

    @post(
        "/xpay/query_adver_funds",
        name="query_adver_funds",
        title="查询广告金发放记录",
        repeat=Repeat.READ,
        errcodes=FUND_ERRORS,
    )
    async def funds(
        self,
        app_key: AppKey,
        *,
        page: Annotated[int, Field(ge=0)] = 0,
        page_size: Annotated[int, Field(ge=1, le=50)] = 50,
        only: Annotated[FundFilter | None, Key("filter")] = None,
        env: Environment = Environment.PRODUCTION,
    ) -> FundPage:
        """Return up to 50 funds."""

    @post(
        "/xpay/create_funds_bill",
        name="create_funds_bill",
        title="充值广告金",
        repeat=Repeat.NEVER,
        errcodes=FUND_ERRORS,
    )
    async def transfer(
        self,
        account_id: Annotated[NumberId, Key("transfer_account_uid")],
        account_name: Annotated[str, Key("transfer_account_name")],
        agency_id: Annotated[NumberId, Key("transfer_account_agency_id")],
        amount: Annotated[Amount, Key("transfer_amount")],
        request_id: Number,
        settle_begin: Timestamp,
        settle_end: Timestamp,
        fund_type: Literal[0, 1, 2],
        app_key: AppKey,
        *,
        authorize_advertise: Flag = True,
        env: Environment = Environment.PRODUCTION,
    ) -> Annotated[str, Key("bill_id")]:
        """Transfer a fund to an account for advertising."""

    @post(
        "/xpay/query_funds_bill",
        name="query_funds_bill",
        title="查询广告金充值记录",
        repeat=Repeat.READ,
        errcodes=FUND_ERRORS,
    )
    async def transfers(
        self,
        only: Annotated[BillFilter, Key("filter")],
        app_key: AppKey,
        *,
        page: Annotated[int, Field(ge=0)] = 0,
        page_size: Annotated[int, Field(ge=1, le=50)] = 50,
        env: Environment = Environment.PRODUCTION,
    ) -> FundBillPage:
        """Return up to 50 transfers."""

    @post(
        "/xpay/query_recover_bill",
        name="query_recover_bill",
        title="查询广告金回收记录",
        repeat=Repeat.READ,
        errcodes=FUND_ERRORS,
    )
    async def recoveries(
        self,
        only: Annotated[RecoveryFilter, Key("filter")],
        app_key: AppKey,
        *,
        page: Annotated[int, Field(ge=0)] = 0,
        page_size: Annotated[int, Field(ge=1, le=50)] = 50,
        env: Environment = Environment.PRODUCTION,
    ) -> RecoveryPage:
        """Return up to 50 funds that WeChat took back."""

    @post(
        "/xpay/download_adverfunds_order",
        name="download_adverfunds_order",
        title="下载广告金对应的商户订单信息",
        repeat=Repeat.READ,
        errcodes=FUND_ERRORS,
    )
    async def orders(
        self, fund_id: Id, app_key: AppKey, *, env: Environment = Environment.PRODUCTION
    ) -> Annotated[str, Key("url")]:
        """Return the address of the list of orders behind a fund."""
