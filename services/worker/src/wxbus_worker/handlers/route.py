"""One handler, the messages it matches, and how it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypedDict

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.context.slices import Slice
from wxbus_worker.handlers.call import CallNext, HandlerCall
from wxbus_worker.handlers.filters import NO_GROUPS, Condition, Groups, OneOrMore, check_predicate
from wxbus_worker.handlers.retry_policy import RetryPolicy

MAX_TIME_LIMIT: Final = timedelta(minutes=10)
"""Far below RabbitMQ's consumer timeout of 30 minutes."""

Dedup: TypeAlias = bool | Callable[[Any], bool]


class RouteOptions(TypedDict, total=False):
    """Which accounts and conversations a route is for, and how its handler runs."""

    account: OneOrMore | None
    """Names of accounts in the accounts file; by default all."""
    state: OneOrMore | None
    """`context.state` is this, or one of these; "" matches a conversation without a state. By default any."""
    retry: RetryPolicy
    """When a failed message is retried; by default the worker's settings decide, also for `time_limit`."""
    time_limit: timedelta
    """For one call, middleware included."""
    dedup: Dedup
    """False, or a function that returns false: WeChat's second push of the message is handled like a new message."""


def check_options(handler: str, options: RouteOptions) -> None:
    """Raise ConfigurationError if an option does not exist or has a wrong value."""
    known = RouteOptions.__annotations__
    if unknown := sorted(options.keys() - known.keys()):
        raise ConfigurationError(
            f"handler {handler}: unknown options {', '.join(unknown)}; the options are {', '.join(known)}"
        )
    given: Mapping[str, Any] = options
    retry, limit, dedup = (given.get(name) for name in ("retry", "time_limit", "dedup"))
    if retry is not None and not isinstance(retry, RetryPolicy):
        raise ConfigurationError(f"handler {handler}: retry must be a RetryPolicy, not {retry!r}")
    if limit is not None and not (isinstance(limit, timedelta) and timedelta() < limit <= MAX_TIME_LIMIT):
        raise ConfigurationError(
            f"handler {handler}: time_limit must be a timedelta of more than zero and at most {MAX_TIME_LIMIT}, "
            f"not {limit!r}"
        )
    if dedup is not None and not isinstance(dedup, bool):
        check_predicate("dedup", dedup)


def code_of(route: "Route | None") -> dict[str, str | int]:
    """Return the attributes of a step of this route's handler, by OpenTelemetry's names."""
    if route is None:
        return {}
    file, line = route.source
    return {"code__function__name": route.name, "code__file__path": file, "code__line__number": line}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """One handler as the worker runs it."""

    name: str
    """`module.function` of the handler."""
    source: tuple[str, int] = ("", 0)
    """File and line of the handler; ("", 0) if it is not a Python function."""
    message_type: type[Message]
    conditions: tuple[Condition, ...] = ()
    """All of them must match."""
    handler: CallNext
    storage: object = None
    """The storage model of its `Context[...]`; None: it names none."""
    part: Slice | None = None
    """The part of the storage that its handler sees; None: all of it."""
    retry: RetryPolicy | None = None
    time_limit: timedelta | None = None
    dedup: Dedup = True

    async def match(self, call: HandlerCall) -> Groups | None:
        """Return the named groups that its conditions found, or None if the message does not match."""
        groups = NO_GROUPS
        for condition in self.conditions:
            found = condition(call)
            if not (found is None or isinstance(found, dict)):
                found = await found
            if found is None:
                return None
            if found:
                groups = {**groups, **found}
        return groups

    def accepts_duplicates(self, message: Message) -> bool:
        """Whether a second push of the same message is handled, too."""
        return not (self.dedup(message) if callable(self.dedup) else self.dedup)
