"""Turns routes of included routers into routes of the including router, and combines several routes into one."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import cast

from wxbus.wechat import Message
from wxbus_worker.context.context import seen_as
from wxbus_worker.context.slices import Slice
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.call import CallNext, HandlerCall
from wxbus_worker.handlers.filters import Condition, Groups
from wxbus_worker.handlers.middleware import wrap
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.skip import Skip


def routed_by(router: BaseRouter, route: Route) -> Route:
    """Return a route of this router, or of an included router, with the router's conditions and middleware."""
    handler, conditions = wrap(route.handler, router.middlewares, router.error_handlers), route.conditions
    part = route.part
    if router.part is not None:
        handler = _handler_of(handler, router.part)
        conditions = tuple(_condition_of(one, router.part) for one in conditions)
        part = part or router.part
    return replace(route, handler=handler, conditions=router.conditions + conditions, part=part)


def combined(routes: tuple[Route, ...]) -> Route | None:
    """Return one route that calls all matching routes, and returns all their replies; None without routes."""
    if not routes:
        return None

    async def handler(call: HandlerCall) -> list[object]:
        replies: list[object] = []
        for route in routes:
            if await route.match(call) is None:
                continue
            try:
                returned = await route.handler(call)
            except Skip:
                continue
            replies += returned if isinstance(returned, list | tuple) else [returned] * (returned is not None)
        return replies

    return Route(name=", ".join(route.name for route in routes), message_type=Message, handler=handler)


def _handler_of(handler: CallNext, part: Slice) -> CallNext:
    async def call(given: HandlerCall) -> object:
        with seen_as(given.context, part):
            return await handler(given)

    return call


def _condition_of(condition: Condition, part: Slice) -> Condition:
    def check(call: HandlerCall) -> Groups | Awaitable[Groups | None] | None:
        with seen_as(call.context, part):
            found = condition(call)
        return found if found is None or isinstance(found, dict) else awaited(call, found)

    async def awaited(call: HandlerCall, found: Awaitable[Groups | None]) -> Groups | None:
        with seen_as(call.context, part):
            return await found

    return cast("Condition", check)
