"""One handler, what it wants, and how it is run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypedDict

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.context.context import Context
from wxbus_worker.handlers.filters import NO_GROUPS, Condition, Groups, check_predicate
from wxbus_worker.handlers.injection import CallNext
from wxbus_worker.handlers.retry_policy import RetryPolicy

LONGEST_RUN: Final = timedelta(minutes=10)
"""Far below RabbitMQ's consumer timeout of 30 minutes."""

Dedup: TypeAlias = bool | Callable[[Any], bool]


class RouteOptions(TypedDict, total=False):
    """How a route's handler is run; what is left out is the worker's own setting."""

    retry: RetryPolicy
    """When a failed message is tried again."""
    time_limit: timedelta
    """For one run, middleware included."""
    dedup: Dedup
    """False, or false of the message: a copy that WeChat pushes again is handled like a new message."""


def check_options(handler: str, options: RouteOptions) -> None:
    """Raise ConfigurationError if a route cannot be run like this: type checkers see it, but not everybody has one."""
    known = RouteOptions.__annotations__
    if unknown := sorted(options.keys() - known.keys()):
        raise ConfigurationError(f"handler {handler}: there is no {', '.join(unknown)}; there are {', '.join(known)}")
    given: Mapping[str, Any] = options
    retry, limit, dedup = (given.get(name) for name in ("retry", "time_limit", "dedup"))
    if retry is not None and not isinstance(retry, RetryPolicy):
        raise ConfigurationError(f"handler {handler}: retry must be a RetryPolicy, not {retry!r}")
    if limit is not None and not (isinstance(limit, timedelta) and timedelta() < limit <= LONGEST_RUN):
        raise ConfigurationError(
            f"handler {handler}: time_limit must be a timedelta of more than zero and at most {LONGEST_RUN}, "
            f"not {limit!r}"
        )
    if dedup is not None and not isinstance(dedup, bool):
        check_predicate("dedup", dedup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One handler as a worker runs it."""

    name: str
    """`module.function` of the handler."""
    takes: type[Message]
    conditions: tuple[Condition, ...] = ()
    """All of them must want the message."""
    handler: CallNext
    storage: object = None
    """What its `Context[...]` names; None: it says nothing of it."""
    retry: RetryPolicy | None = None
    time_limit: timedelta | None = None
    dedup: Dedup = True

    def wants(self, message: Message, context: Context) -> Groups | None:
        """Return the named groups that its conditions found, or None if it does not want the message."""
        groups = NO_GROUPS
        for condition in self.conditions:
            found = condition(message, context)
            if found is None:
                return None
            groups = {**groups, **found} if found else groups
        return groups

    def takes_copies(self, message: Message) -> bool:
        """Whether a second push of the same message is to be handled, too."""
        return not (self.dedup(message) if callable(self.dedup) else self.dedup)
