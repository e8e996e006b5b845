"""Virtual payment by subscription."""

from typing import Annotated, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Id, Key, OpenId, post
from wxbus.api.endpoints.payment_rules import ERRORS, MONEY_ERRORS, Amount, AppKey, Environment, Number


class PaymentSubscriptions(Family):
    """Virtual payment by subscription; contracts are `XpaySubscribeEvent`s."""

    title = "虚拟支付订阅"
    kinds = ("mini_program",)

    @post(
        "/xpay/query_subscribe_contract",
        name="query_subscribe_contract",
        title="查询签约关系",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def contract_state(
        self, openid: OpenId, product_id: Id, contract_code: Annotated[Id, Key("out_contract_code")], app_key: AppKey
    ) -> Annotated[str, Key("authorization_state")]:
        """Return the state of a user's contract."""

    @post(
        "/xpay/cancel_subscribe_contract",
        name="cancel_subscribe_contract",
        title="商家解约",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def cancel(
        self,
        openid: OpenId,
        product_id: Id,
        contract_code: Annotated[Id, Key("out_contract_code")],
        reason: Annotated[str, Field(min_length=1), Key("termination_reason")],
        app_key: AppKey,
    ) -> None:
        """End a user's contract."""

    @post(
        "/xpay/submit_subscribe_pay_order",
        name="submit_subscribe_pay_order",
        title="发起订阅扣款",
        repeat=Repeat.NEVER,
        errcodes=MONEY_ERRORS,
    )
    async def charge(
        self,
        openid: OpenId,
        offer_id: Id,
        product_id: Id,
        order_id: Number,
        price: Annotated[Amount, Key("deduct_price")],
        app_key: AppKey,
        *,
        quantity: Annotated[int, Field(ge=1), Key("buy_quantity")] = 1,
        currency: Annotated[Literal["CNY"], Key("currency_type")] = "CNY",
        attach: str = "",
        env: Environment = Environment.PRODUCTION,
    ) -> None:
        """Charge a user with a contract, after the notification."""

    @post(
        "/xpay/send_subscribe_pre_payment",
        name="send_subscribe_pre_payment",
        title="预通知扣款",
        repeat=Repeat.SEND,
        errcodes=ERRORS,
    )
    async def announce_charge(
        self,
        openid: OpenId,
        price: Annotated[Amount, Key("deduct_price")],
        product_id: Id,
        contract_code: Annotated[Id, Key("out_contract_code")],
        app_key: AppKey,
    ) -> None:
        """Notify a user of the next charge."""
