"""Handlers take what they name by type; whether they can have it is checked when they are registered."""

import inspect
import types
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

import structlog

from wxbus.accounts import Account
from wxbus.api.client import WeChatClient
from wxbus.errors import ConfigurationError
from wxbus.wechat import AnyMessage, Message
from wxbus_worker.context import Context
from wxbus_worker.current import CurrentDelivery

Handler: TypeAlias = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerCall:
    """All that a handler may ask for."""

    message: Message
    context: Context
    account: Account
    client_of: Callable[[str], WeChatClient]
    """Returns the client for an appid."""
    delivery: CurrentDelivery
    groups: Mapping[str, str]
    """Named groups of the route's regular expression."""


Bound: TypeAlias = Callable[[HandlerCall], Awaitable[object]]
Provider: TypeAlias = Callable[[HandlerCall], object]

PROVIDERS: Final[Mapping[type, Provider]] = {
    Context: lambda call: call.context,
    Account: lambda call: call.account,
    WeChatClient: lambda call: call.client_of(call.account.appid),
    CurrentDelivery: lambda call: call.delivery,
}
MOST_NAMES: Final = 4
"""Types that an error lists."""
LOGGERS: Final = (structlog.stdlib.BoundLogger, structlog.typing.FilteringBoundLogger)


def name_of(handler: object) -> str:
    """Return `module.function`, for errors and logs."""
    module, qualified = getattr(handler, "__module__", ""), getattr(handler, "__qualname__", repr(handler))
    return f"{module}.{qualified}"


def bind(handler: Handler, takes: tuple[type[Message], ...], groups: frozenset[str] = frozenset()) -> Bound:
    """Return `handler` as a function of the one thing that has all it may ask for.

    Args:
        handler: An async function.
        takes: The types of message its route gives it.
        groups: Named groups of its route's regular expression: parameters of that name, annotated `str`, get them.

    Raises:
        ConfigurationError: It cannot be called with what there is; the text names the parameter.
    """
    if not inspect.iscoroutinefunction(handler):
        raise ConfigurationError(f"handler {name_of(handler)} must be an `async def` function")
    try:
        hints = get_type_hints(handler)
    except (NameError, TypeError) as exc:
        raise ConfigurationError(
            f"handler {name_of(handler)}: an annotation cannot be resolved: {exc}. "
            "Names used in annotations must be imported at run time, not below `if TYPE_CHECKING:`"
        ) from exc
    providers: dict[str, Provider] = {}
    for name, parameter in inspect.signature(handler).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ConfigurationError(f"handler {name_of(handler)}: parameter {parameter} cannot be given by name")
        provider = _provider(handler, name, hints.get(name), takes, groups)
        if provider is not None:
            providers[name] = provider
        elif parameter.default is parameter.empty:
            raise ConfigurationError(_no_provider(handler, name, hints.get(name), takes, groups))

    def call(given: HandlerCall) -> Awaitable[object]:
        return handler(**{name: provide(given) for name, provide in providers.items()})

    return call


def _provider(
    handler: Handler, name: str, hint: Any, takes: tuple[type[Message], ...], groups: frozenset[str]
) -> Provider | None:
    wanted = _classes(hint)
    if not wanted:
        return None
    if all(issubclass(one, Message) for one in wanted):
        if missing := _not_accepted(wanted, takes):
            raise ConfigurationError(
                f"handler {name_of(handler)}: parameter {name!r} takes {_names(wanted)}, "
                f"but its route also gives it {_names(missing)}"
            )
        return lambda call: call.message
    if len(wanted) > 1:
        return None
    (one,) = wanted
    if one in LOGGERS:
        logger = structlog.stdlib.get_logger(handler.__module__)
        return lambda _: logger
    if one is str and name in groups:
        return lambda call: call.groups[name]
    return PROVIDERS.get(one)


def _classes(hint: Any) -> tuple[type, ...]:
    """Return the classes a hint allows, None left out; nothing if it is no hint of ours."""
    if get_origin(hint) is Annotated:
        return _classes(get_args(hint)[0])
    if get_origin(hint) in {Union, types.UnionType}:
        members = [_classes(member) for member in get_args(hint) if member is not types.NoneType]
        return tuple(one for member in members for one in member) if all(members) else ()
    return (hint,) if isinstance(hint, type) else ()


def _not_accepted(wanted: tuple[type, ...], takes: tuple[type[Message], ...]) -> tuple[type, ...]:
    """Return those types a route gives that the parameter does not take."""
    if {*wanted} >= EVERY_MESSAGE:
        return ()
    return tuple(given for given in takes if not issubclass(given, wanted))


def _no_provider(
    handler: Handler, name: str, hint: Any, takes: tuple[type[Message], ...], groups: frozenset[str]
) -> str:
    shown = "has no annotation" if hint is None else f"is annotated {getattr(hint, '__name__', hint)}"
    known = [_names(takes), *(one.__name__ for one in PROVIDERS), LOGGERS[0].__name__]
    known += [f"{group}: str" for group in sorted(groups)]
    return f"handler {name_of(handler)}: parameter {name!r} {shown}; a handler can have {', '.join(known)}"


def _names(classes: tuple[type, ...]) -> str:
    more = f" and {len(classes) - MOST_NAMES} more" if len(classes) > MOST_NAMES else ""
    return " | ".join(one.__name__ for one in classes[:MOST_NAMES]) + more


EVERY_MESSAGE: Final = frozenset(_classes(AnyMessage))
