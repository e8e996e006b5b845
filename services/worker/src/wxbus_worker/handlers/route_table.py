"""A router as the worker uses it: fixed, with the middleware around every handler, sorted by type of message."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import get_origin

from wxbus.errors import ConfigurationError, Reject
from wxbus.sockets.signals import OPTIONAL
from wxbus.wechat import Message, UnknownComponentEvent, UnknownEvent, UnknownMessage
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.context.slices import Slice
from wxbus_worker.handlers.base_router import DEFAULT_POLICY, BaseRouter
from wxbus_worker.handlers.call import HandlerCall
from wxbus_worker.handlers.composition import combined, routed_by
from wxbus_worker.handlers.filters import NO_GROUPS, Groups
from wxbus_worker.handlers.hooks import Hooks
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.signal import BroadcastSent, Outgoing, Signal
from wxbus_worker.handlers.undelivered import ReplyUndelivered

UNKNOWN = (UnknownMessage, UnknownEvent, UnknownComponentEvent)


async def _reply_of(call: HandlerCall) -> object:
    return call.message.reply if isinstance(call.message, Outgoing | ReplyUndelivered) else None


async def _nothing(_: HandlerCall) -> None: ...


SEND = Route(name="Bus.send", message_type=Outgoing, handler=_reply_of)
"""Sends need no handler, and no middleware runs around them."""
RESEND = Route(name="dead replay", message_type=ReplyUndelivered, handler=_reply_of)
"""The replay of an undelivered reply sends it again."""
CORRECT = Route(name="undelivered reply", message_type=ReplyUndelivered, handler=_nothing)
"""Only the context is corrected."""
RECORD = Route(name="broadcast", message_type=BroadcastSent, handler=_nothing)
"""Only the context records it."""


class RouteTable:
    """Finds the route for a message."""

    def __init__(self, router: BaseRouter) -> None:
        """Raise ConfigurationError if the router has no handlers, or its handlers or routers expect other contexts."""
        for included in router.included():
            _check_policy(router, included)
        _check_slices(router)
        self._routes = tuple(_routes(router))
        self._defaults = tuple(_fallbacks(router, "default_route"))
        self._unknown = tuple(_fallbacks(router, "unknown_route"))
        removed = tuple(_hooks(router, lambda one: one.removal_routes))
        dead = tuple(_hooks(router, lambda one: one.dead_routes))
        undelivered = tuple(_hooks(router, lambda one: one.undelivered_routes))
        self._removed = combined(removed)
        self._undelivered = combined(undelivered)
        self.dead = combined(dead)
        """Calls all `on_dead` handlers; None: there are none."""
        for route in (*self._routes, *removed, *dead, *undelivered, *self._defaults, *self._unknown):
            _check_storage(router, route)
        if not len(self):
            raise ConfigurationError(f"router {router.name} has no handlers")
        self._by_type: dict[type[Message], tuple[Route, ...]] = {}

    def __len__(self) -> int:
        return len(self._routes) + bool(self._defaults) + bool(self._unknown)

    @property
    def handles_removals(self) -> bool:
        """Whether there are `context_removed` handlers."""
        return self._removed is not None

    async def find(self, call: HandlerCall, *, after: Route | None = None) -> tuple[Route, Groups] | None:
        """Return the first route that matches the message, with its named groups; None if there is none.

        With `after`, a route that this returned before, it returns the next one.

        Raises:
            Reject: No route matches a signal: its event must not be lost.
        """
        message = call.message
        if call.error is not None:
            return None if self.dead is None or after else (self.dead, NO_GROUPS)
        if isinstance(message, ContextExpired):
            return None if self._removed is None or after else (self._removed, NO_GROUPS)
        if isinstance(message, Outgoing):
            return RECORD if isinstance(message, BroadcastSent) else SEND, NO_GROUPS
        if isinstance(message, ReplyUndelivered):
            return None if after else (self._route_of_note(message, replay=call.delivery.replay), NO_GROUPS)
        kind = type(message)
        routes = self._by_type.get(kind)
        if routes is None:
            routes = self._by_type[kind] = self._of_type(kind)
        start = 0 if after is None else routes.index(after) + 1
        for route in routes[start:] if start else routes:
            groups = await route.match(call)
            if groups is not None:
                return route, groups
        if isinstance(message, Signal) and message.name not in OPTIONAL:
            raise Reject(f"no handler for signal {message.name!r}")
        return None

    def handles(self, note: ReplyUndelivered) -> bool:
        """Whether `on_undelivered` handlers are called."""
        return self._undelivered is not None and note.lost

    def _route_of_note(self, note: ReplyUndelivered, *, replay: bool) -> Route:
        if self._undelivered is not None and note.lost:
            return self._undelivered
        return RESEND if replay and note.instead is None else CORRECT

    def _of_type(self, kind: type[Message]) -> tuple[Route, ...]:
        if kind is Signal:  # handlers of all messages do not expect signals
            return tuple(one for one in self._routes if one.message_type is Signal)
        routes = tuple(one for one in self._routes if issubclass(kind, one.message_type))
        return (*routes, *(self._unknown if issubclass(kind, UNKNOWN) else ()), *self._defaults)


def _routes(router: BaseRouter) -> Iterator[Route]:
    """Yield every route in the order of matching, without the fallbacks."""
    for entry in router.entries:
        below = _routes(entry) if isinstance(entry, BaseRouter) else (entry,)
        for route in below:
            yield routed_by(router, route)


def _fallbacks(router: BaseRouter, name: str) -> Iterator[Route]:
    """Yield the router's own fallback, then those of included routers."""
    own: Route | None = getattr(router, name)
    if own is not None:
        yield routed_by(router, own)
    for entry in router.entries:
        if isinstance(entry, BaseRouter):
            for route in _fallbacks(entry, name):
                yield routed_by(router, route)


def _hooks(router: BaseRouter, which: Callable[[Hooks], Sequence[Route]]) -> Iterator[Route]:
    """Yield the routes of one kind of hook, all of which are called."""
    for route in which(router):
        yield routed_by(router, route)
    for entry in router.entries:
        if isinstance(entry, BaseRouter):
            for route in _hooks(entry, which):
                yield routed_by(router, route)


def _check_policy(router: BaseRouter, included: BaseRouter) -> None:
    """Raise ConfigurationError if an included router has its own context settings."""
    for one in fields(ContextPolicy):
        policies = (included.context_policy, DEFAULT_POLICY, router.context_policy)
        wanted, default, actual = (getattr(policy, one.name) for policy in policies)
        if wanted not in (default, actual):
            raise ConfigurationError(
                f"router {included.name} has {one.name} {wanted!r}, but router {router.name}, which includes it, "
                f"has {actual!r}; set it on {router.name}"
            )


def _check_slices(router: BaseRouter) -> None:
    """Raise ConfigurationError if a slice is not in the storage, or has two models."""
    found: dict[str, tuple[Slice, str]] = {}
    for one in (router, *router.included()):
        if one.part is not None:
            one.part.check(router.context_policy.storage, one.name)
            other, name = found.setdefault(one.part.name, (one.part, one.name))
            if other != one.part:
                raise ConfigurationError(f"routers {name} and {one.name} have different storages as {one.part.name!r}")


def _check_storage(router: BaseRouter, route: Route) -> None:
    actual = (route.part.model if route.part else router.context_policy.storage) or dict
    wanted = get_origin(route.storage) or route.storage
    if wanted is not None and wanted is not actual:
        of = f"slice {route.part.name!r}" if route.part else f"router {router.name}"
        raise ConfigurationError(
            f"handler {route.name} takes Context[{getattr(wanted, '__name__', wanted)}], "
            f"but the storage of {of} is {actual.__name__}"
        )
