"""Handlers take what they name by type; whether they can have it is checked when they are registered."""

import inspect
import logging
import types
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

import structlog

from wxbus.accounts.models import Account
from wxbus.api.client import WeChatClient
from wxbus.errors import ConfigurationError
from wxbus.features import Features
from wxbus.wechat import AnyMessage, Message
from wxbus_worker.context.context import Context
from wxbus_worker.handlers.current_delivery import CurrentDelivery
from wxbus_worker.handlers.return_types import RULE, not_allowed
from wxbus_worker.handlers.threads import in_thread

Handler: TypeAlias = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerCall:
    """One run of a handler: all that it, and the middleware around it, may ask for."""

    message: Message
    context: Context
    account: Account
    client_of: Callable[[str], WeChatClient]
    """Returns the client for an appid."""
    delivery: CurrentDelivery
    groups: Mapping[str, str]
    """Named groups of the route's regular expression."""
    features: Features = field(default_factory=Features)
    error: Exception | None = None
    """What an error handler is asked about."""

    @property
    def client(self) -> WeChatClient:
        """Return the client of the message's account."""
        return self.client_of(self.account.appid)


CallNext: TypeAlias = Callable[[HandlerCall], Awaitable[object]]
Provider: TypeAlias = Callable[[HandlerCall], object]

PROVIDERS: Final[Mapping[type, Provider]] = {
    Context: lambda call: call.context,
    Account: lambda call: call.account,
    WeChatClient: lambda call: call.client,
    CurrentDelivery: lambda call: call.delivery,
    Features: lambda call: call.features,
}
MOST_NAMES: Final = 4
"""Types that an error lists."""
LOGGERS: Final[Mapping[type, Callable[[str], object]]] = {
    structlog.stdlib.BoundLogger: structlog.stdlib.get_logger,
    structlog.typing.FilteringBoundLogger: structlog.stdlib.get_logger,
    logging.Logger: logging.getLogger,
}
"""Each with what makes one of a module's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injectables:
    """What a handler can have beyond `PROVIDERS`."""

    messages: tuple[type[Message], ...] = ()
    """The types of message its route gives it."""
    groups: frozenset[str] = frozenset()
    """Named groups of its route's regular expression: parameters of that name, annotated `str`, get them."""
    features: Sequence[type] = ()
    """Types that its router's middleware leaves."""
    error: type[Exception] | None = None
    """The errors it is asked about."""


def name_of(handler: object) -> str:
    """Return `module.function`, for errors and logs."""
    qualified = getattr(handler, "__qualname__", None)
    return f"{getattr(handler, '__module__', '')}.{qualified}" if qualified else repr(handler)


def bind(
    handler: Callable[..., object], offer: Injectables, *, threads: bool = False, replies: bool = True
) -> CallNext:
    """Return `handler` as a function of the one thing that has all it may ask for.

    Args:
        handler: An async function; with `threads` a plain one, too, which runs in a thread.
        offer: What it can have.
        threads: Whether plain functions are taken.
        replies: Whether it returns replies; else what it returns does not matter.

    Raises:
        ConfigurationError: It cannot be called with what there is, or returns no replies; the text names what is wrong.
    """
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise ConfigurationError(f"handler {name_of(handler)} yields; {RULE}")
    waits = inspect.iscoroutinefunction(handler)
    if not waits and not (threads and inspect.isroutine(handler)):
        raise ConfigurationError(f"handler {name_of(handler)} must be an `async def` function")
    try:
        notifications = get_type_hints(handler)
    except (NameError, TypeError) as exc:
        raise ConfigurationError(
            f"handler {name_of(handler)}: an annotation cannot be resolved: {exc}. "
            "Names used in annotations must be imported at run time, not below `if TYPE_CHECKING:`"
        ) from exc
    providers: dict[str, Provider] = {}
    for name, parameter in inspect.signature(handler).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ConfigurationError(f"handler {name_of(handler)}: parameter {parameter} cannot be given by name")
        provider = _provider(handler, name, notifications.get(name), offer)
        if provider is not None:
            providers[name] = provider
        elif parameter.default is parameter.empty:
            raise ConfigurationError(_no_provider(handler, name, notifications.get(name), offer))
    if replies and (wrong := not_allowed(_classes(notifications.get("return")))):
        raise ConfigurationError(f"handler {name_of(handler)} returns {_names(wrong)}; {RULE}")

    def call(given: HandlerCall) -> Any:
        return handler(**{name: provide(given) for name, provide in providers.items()})

    return call if waits else lambda given: in_thread(partial(call, given))


def storage_of(handler: Callable[..., object]) -> object:
    """Return what a handler's `Context[...]` names, None if it says nothing of it."""
    for hint in get_type_hints(handler).values():
        if get_origin(hint) is Context:
            return get_args(hint)[0]
    return None


def _provider(handler: object, name: str, hint: Any, offer: Injectables) -> Provider | None:
    wanted = _classes(hint)
    if not wanted:
        return None
    if offer.messages and all(issubclass(one, Message) for one in wanted):
        if missing := _not_accepted(wanted, offer.messages):
            raise ConfigurationError(
                f"handler {name_of(handler)}: parameter {name!r} takes {_names(wanted)}, "
                f"but its route also gives it {_names(missing)}"
            )
        return lambda call: call.message
    if offer.error is not None and issubclass(offer.error, wanted):
        return lambda call: call.error
    return _value(handler, name, wanted[0], offer) if len(wanted) == 1 else None


def _value(handler: object, name: str, one: type, offer: Injectables) -> Provider | None:
    if one in LOGGERS:
        logger = LOGGERS[one](getattr(handler, "__module__", ""))
        return lambda _: logger
    if one is str and name in offer.groups:
        return lambda call: call.groups[name]
    if one in offer.features:
        return lambda call: call.features[one]
    return PROVIDERS.get(one)


def _classes(hint: Any) -> tuple[type, ...]:
    """Return the classes a hint allows, None left out; nothing if it is no hint of ours."""
    origin = get_origin(hint)
    if origin is Context:
        return (Context,)
    if origin is Annotated:
        return _classes(get_args(hint)[0])
    if origin in {Union, types.UnionType}:
        members = [_classes(member) for member in get_args(hint) if member is not types.NoneType]
        return tuple(one for member in members for one in member) if all(members) else ()
    return (hint,) if isinstance(hint, type) else ()


def _not_accepted(wanted: tuple[type, ...], takes: tuple[type[Message], ...]) -> tuple[type, ...]:
    """Return those types a route gives that the parameter does not take."""
    if {*wanted} >= EVERY_MESSAGE:
        return ()
    return tuple(given for given in takes if not issubclass(given, wanted))


def _no_provider(handler: object, name: str, hint: Any, offer: Injectables) -> str:
    shown = "has no annotation" if hint is None else f"is annotated {getattr(hint, '__name__', hint)}"
    known = [_names(offer.messages)] if offer.messages else []
    known += [offer.error.__name__] if offer.error else []
    known += [one.__name__ for one in (*PROVIDERS, logging.Logger, *offer.features)]
    known += [f"{group}: str" for group in sorted(offer.groups)]
    return f"handler {name_of(handler)}: parameter {name!r} {shown}; a handler can have {', '.join(known)}"


def _names(classes: tuple[type, ...]) -> str:
    more = f" and {len(classes) - MOST_NAMES} more" if len(classes) > MOST_NAMES else ""
    return " | ".join(one.__name__ for one in classes[:MOST_NAMES]) + more


EVERY_MESSAGE: Final = frozenset(_classes(AnyMessage))
