"""Parcels that users send back, with free insurance of the postage."""

from typing import Annotated, Final

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Part, post

ERRORS: Final = (40097, 931023)


class Address(Part):
    """An address with a person."""

    name: str = Field(min_length=1)
    mobile: str = Field(min_length=1)
    country: str
    province: str
    city: str
    area: str
    address: str = Field(min_length=1)


class ReturnedGoods(Part):
    """Returned goods."""

    name: str
    url: str
    """Of a picture."""


class ReturnState(Answer):
    """The status of a return."""

    status: int = 0
    """0 the user did nothing, 1 chose a carrier, 2 entered a waybill number."""
    waybill_id: str = ""
    order_status: int | None = None
    """0 ordered, 1 collected, 2 cancelled ..., as of the carrier."""
    delivery_id: str = ""
    delivery_name: str = ""


class Returns(Family):
    """Parcels that users send back."""

    title = "退货"
    kinds = ("mini_program",)

    @post(
        "/cgi-bin/express/delivery/no_worry_return/add",
        name="addReturnId",
        title="创建退货ID",
        repeat=Repeat.SEND,
        errcodes=(40097, 9300522, 9300569, 9300570),
    )
    async def add(
        self,
        shop_order_id: Id,
        shop_address: Annotated[Address, Key("biz_addr")],
        openid: OpenId,
        order_path: Annotated[str, Field(min_length=1)],
        goods: Annotated[list[ReturnedGoods], Field(min_length=1), Key("goods_list")],
        order_price: Annotated[int, Field(ge=0)],
        pay_id: Annotated[Id, Key("wx_pay_id")],
        *,
        user_address: Annotated[Address | None, Key("user_addr")] = None,
        notify_code: str | None = None,
    ) -> Annotated[str, Key("return_id")]:
        """Return the id of a new return, with which the Mini Program opens WeChat's page; the price is in fen."""

    @post(
        "/cgi-bin/express/delivery/no_worry_return/get",
        name="getReturnId",
        title="查询退货ID状态",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def find(self, return_id: Id) -> ReturnState:
        """Return the status of a return."""

    @post(
        "/cgi-bin/express/delivery/no_worry_return/unbind",
        name="unbindReturnId",
        title="解绑退货ID",
        repeat=Repeat.READ,
        errcodes=ERRORS,
    )
    async def unbind(self, return_id: Id) -> None:
        """End a return that the user has not begun."""
