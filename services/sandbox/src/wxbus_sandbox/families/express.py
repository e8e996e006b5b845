"""Waybills of express carriers: each order has a waybill and its first step, which is an event."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from wxbus.api.endpoints.express import Express
from wxbus.api.endpoints.express_orders import (
    Cargo,
    Contact,
    FoundWaybill,
    Insurance,
    Path,
    PathItem,
    ServiceType,
    Shop,
    Waybill,
    WaybillOrder,
)
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.pushes.results import SYSTEM
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

ORDER_EXISTS: Final = 9300506
REFUSED: Final = 9300501
COLLECTED: Final = 100001
CANCELLED: Final = 1


@dataclass(slots=True)
class _Order:
    openid: str
    waybill: Waybill
    steps: list[PathItem] = field(default_factory=list)


class ExpressState(Part):
    """The orders of one Mini Program."""

    def __init__(self) -> None:
        self.orders: dict[str, _Order] = {}


class ExpressTwin(Twin, Express):
    """Keeps the orders."""

    async def add_order(
        self,
        order_id: str,
        delivery_id: str,
        biz_id: str,
        sender: Contact,
        receiver: Contact,
        cargo: Cargo,
        shop: Shop,
        insured: Insurance,
        service: ServiceType,
        *,
        openid: str = "",
        add_source: Literal[0, 2] = 0,
        wx_appid: str | None = None,
        custom_remark: str | None = None,
        tag_id: int | None = None,
        expect_time: datetime | None = None,
    ) -> Waybill:
        """Make a waybill; its parcel is collected at once."""
        orders = self.call.state(ExpressState).orders
        if order_id in orders:
            raise ApiError(ORDER_EXISTS)
        waybill_id = f"SANDBOX{secrets.randbelow(10**10):010}"
        waybill = Waybill(order_id=order_id, delivery_id=delivery_id, waybill_id=waybill_id, order_status=0)
        orders[order_id] = order = _Order(openid, waybill)
        self._step(order, COLLECTED, "collected")
        return waybill

    async def orders(self, orders: list[WaybillOrder]) -> list[FoundWaybill]:
        """Return waybills, or why there is none."""
        known = self.call.state(ExpressState).orders
        return [
            FoundWaybill.model_validate(known[one.order_id].waybill.model_dump())
            if one.order_id in known
            else FoundWaybill(order_id=one.order_id, errcode=REFUSED, errmsg="no such order")
            for one in orders
        ]

    async def order(
        self,
        order_id: str,
        delivery_id: str,
        *,
        waybill_id: str | None = None,
        openid: str | None = None,
        print_type: Literal[0, 1] | None = None,
    ) -> Waybill:
        """Return a waybill."""
        return self._order(order_id).waybill

    async def cancel_order(
        self, order_id: str, delivery_id: str, waybill_id: str, *, openid: str | None = None
    ) -> None:
        """Cancel a waybill."""
        order = self._order(order_id)
        order.waybill = order.waybill.model_copy(update={"order_status": CANCELLED})

    async def path(self, order_id: str, delivery_id: str, waybill_id: str, *, openid: str | None = None) -> Path:
        """Return the steps."""
        order = self._order(order_id)
        return Path(
            waybill_id=order.waybill.waybill_id,
            delivery_id=order.waybill.delivery_id,
            openid=order.openid,
            path_item_list=tuple(order.steps),
        )

    async def test_update(
        self,
        order_id: str,
        waybill_id: str,
        action_time: datetime,
        action_type: int,
        action_msg: str,
        *,
        biz_id: str = "",
        delivery_id: str = "",
    ) -> None:
        """Add a step."""
        self._step(self._order(order_id), action_type, action_msg, action_time)

    def _order(self, order_id: str) -> _Order:
        found = self.call.state(ExpressState).orders.get(order_id)
        if found is None:
            raise ApiError(REFUSED)
        return found

    def _step(self, order: _Order, kind: int, text: str, moment: datetime | None = None) -> None:
        moment = moment or datetime.fromtimestamp(self.call.sandbox.clock.now(), UTC)
        order.steps.append(PathItem(action_time=moment, action_type=kind, action_msg=text))
        fields: dict[str, Any] = {
            "DeliveryID": order.waybill.delivery_id,
            "WayBillId": order.waybill.waybill_id,
            "OrderId": order.waybill.order_id,
            "Version": len(order.steps),
            "Count": 1,
            "Actions": [{"ActionTime": int(moment.timestamp()), "ActionType": kind, "ActionMsg": text}],
        }
        self.call.results.push(self.call.account, "add_express_path", fields, openid=order.openid or SYSTEM)
