"""Runs middleware around a router's handlers, and error handlers around the middleware."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import structlog

from wxbus.errors import Reject, RetryLater, Unavailable
from wxbus_worker.context.context import undo_changes
from wxbus_worker.handlers.call import CallNext, HandlerCall
from wxbus_worker.handlers.skip import Skip

Middleware: TypeAlias = Callable[[HandlerCall, CallNext], Awaitable[object]]
"""Runs around the handler, which `call_next` calls, and returns the replies, as the handler does."""
ErrorHandler: TypeAlias = tuple[type[Exception], CallNext]

DECISIONS: Final = (RetryLater, Reject, Skip, Unavailable)
"""These already decide what happens to the message: error handlers are not called."""

log = structlog.stdlib.get_logger(__name__)


def wrap(handler: CallNext, middleware: Sequence[Middleware], errors: Sequence[ErrorHandler]) -> CallNext:
    """Return the handler with the middleware around it, the first outermost, and the error handlers around that."""
    for one in reversed(middleware):
        handler = _with_middleware(one, handler)
    return _with_errors(handler, tuple(errors)) if errors else handler


def _with_middleware(middleware: Middleware, handler: CallNext) -> CallNext:
    return lambda call: middleware(call, handler)


def _with_errors(handler: CallNext, errors: Sequence[ErrorHandler]) -> CallNext:
    async def call(given: HandlerCall) -> object:
        try:
            return await handler(given)
        except DECISIONS:
            raise
        except Exception as exc:
            on_error = next((one for kind, one in errors if isinstance(exc, kind)), None)
            if on_error is None:
                raise
            undo_changes(given.context)
            replies = await on_error(replace(given, error=exc))
            if replies is None:
                raise
            log.warning("handler.error_handled", exc_info=True)
            return replies

    return call
