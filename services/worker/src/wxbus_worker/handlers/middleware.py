"""What a router puts around the handlers below it: its middleware, and outside of that its error handlers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import structlog

from wxbus.errors import Reject, RetryLater, Unavailable
from wxbus_worker.handlers.injection import CallNext, HandlerCall

Middleware: TypeAlias = Callable[[HandlerCall, CallNext], Awaitable[object]]
"""Acts around the handler, which `call_next` runs, and returns what is to be replied, as the handler does."""
ErrorHandler: TypeAlias = tuple[type[Exception], CallNext]

DECISIONS: Final = (RetryLater, Reject, Unavailable)
"""They say already what is to happen: no error handler is asked."""

log = structlog.stdlib.get_logger(__name__)


def within(handler: CallNext, middleware: Sequence[Middleware], errors: Sequence[ErrorHandler]) -> CallNext:
    """Return the handler with the middleware around it, the first outermost, and the error handlers around that."""
    for one in reversed(middleware):
        handler = _passed(one, handler)
    return _caught(handler, tuple(errors)) if errors else handler


def _passed(middleware: Middleware, handler: CallNext) -> CallNext:
    return lambda call: middleware(call, handler)


def _caught(handler: CallNext, errors: Sequence[ErrorHandler]) -> CallNext:
    async def call(given: HandlerCall) -> object:
        try:
            return await handler(given)
        except DECISIONS:
            raise
        except Exception as exc:
            on_error = next((one for kind, one in errors if isinstance(exc, kind)), None)
            if on_error is None:
                raise
            given.context.undo()  # what the handler has half done is not kept
            answer = await on_error(replace(given, error=exc))
            if answer is None:
                raise
            log.warning("handler.error_answered", exc_info=True)
            return answer

    return call
