"""Payments of stores for WeChat's own city delivery."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, Timestamp, post
from wxbus.api.endpoints.city_stores import ERRORS, Balances, Flows, PayMode

Mode: TypeAlias = Literal["PAY_MODE_STORE", "PAY_MODE_APP", "PAY_MODE_COMPONENT"]


class CityAccounts(Family):
    """Payments of stores for city delivery, in fen."""

    title = "同城配送运费"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/express/intracity/storecharge",
        name="intracity_storecharge",
        title="门店运费充值",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def charge(
        self,
        service_trans_id: Id,
        amount: Annotated[int, Field(ge=1)],
        *,
        wx_store_id: Id | None = None,
        pay_mode: Mode | None = None,
    ) -> Annotated[str, Key("payurl")]:
        """Return the address of the page on which the store pays in advance."""

    @post(
        "/cgi-bin/express/intracity/storerefund",
        name="intracity_store_refund",
        title="门店运费退款",
        repeat=Repeat.NEVER,
        errcodes=ERRORS,
    )
    async def refund(
        self, service_trans_id: Id, *, wx_store_id: Id | None = None, pay_mode: Mode | None = None
    ) -> Annotated[int, Key("refund_amount")]:
        """Refund what a store paid in advance; return the amount."""

    @post(
        "/cgi-bin/express/intracity/queryflow",
        name="intracity_queryflow",
        title="门店运费流水查询",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def flows(
        self,
        wx_store_id: Id,
        flow_type: Literal[1, 2, 3],
        *,
        pay_mode: Mode = "PAY_MODE_STORE",
        service_trans_id: Id | None = None,
        begin: Annotated[Timestamp | None, Key("begin_time")] = None,
        end: Annotated[Timestamp | None, Key("end_time")] = None,
    ) -> Flows:
        """Return payments (type 1), deductions (2) or refunds (3) of a store."""

    @post(
        "/cgi-bin/express/intracity/balancequery",
        name="intracity_balancequery",
        title="门店余额查询",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def balances(
        self, *, wx_store_id: Id | None = None, service_trans_id: Id | None = None, pay_mode: Mode | None = None
    ) -> Balances:
        """Return the balances for deliveries."""

    @post(
        "/cgi-bin/express/intracity/setpaymode",
        name="intracity_setpaymode",
        title="设置扣费主体",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def set_pay_mode(self, appid: Id, pay_mode: Mode) -> None:
        """Set the payer: the store, the Mini Program, or the third-party platform."""

    @post(
        "/cgi-bin/express/intracity/getpaymode",
        name="intracity_getpaymode",
        title="查询扣费主体",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def pay_mode(self, appid: Id) -> PayMode:
        """Return the payer."""
