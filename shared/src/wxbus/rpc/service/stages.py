"""What happens around a call: stages, each of which may act, call the next one or answer itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

import structlog

from wxbus.errors import RpcFailure, WxbusError
from wxbus.rpc.codec import problems
from wxbus.rpc.service.call import Answer, Call, method_of
from wxbus.rpc.service.checks import Check

Next: TypeAlias = Callable[[Call], Awaitable[Answer]]

log = structlog.get_logger("wxbus.rpc")


class Stage(Protocol):
    """One step around the method."""

    async def __call__(self, call: Call, call_next: Next, /) -> Answer:
        """Return the answer; raises WxbusError for the server to turn into one."""


def compose(stages: Sequence[Stage], innermost: Next) -> Next:
    """Wrap `innermost` so that the stages run in the order they are listed."""
    chain = innermost
    for stage in reversed(stages):
        chain = _step(stage, chain)
    return chain


def _step(stage: Stage, call_next: Next) -> Next:
    return lambda call: stage(call, call_next)


class RunChecks:
    """Holds the checks, one after another; a call that none of them refuses goes on.

    One stage for all of them: each as a stage of its own would cost more than what it does.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(checks)

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """Stop at the first refusal."""
        for check in self._checks:
            if (pending := check(call)) is not None:
                await pending
        return await call_next(call)


async def invoke(call: Call) -> Answer:
    """Call the method and encode what it returns: the innermost step."""
    serializer = call.answer_format
    if serializer is None:
        raise RuntimeError("the check Decode must stand before this one")
    result = await method_of(call).invoke(call.request)
    return Answer(200, serializer.content_types[0], serializer.encode(result))


async def within_deadline(answering: Awaitable[Answer], seconds: float) -> Answer:
    """Give a call up when its caller has; 504 for the audit log, since nobody hears the answer."""
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await answering
    except TimeoutError as exc:
        if not deadline.expired():
            raise  # one of the method's own
        raise RpcFailure(504, "The caller's deadline is over") from exc


def error_answer(call: Call, error: Exception) -> Answer:
    """Make an answer of an exception: the only place where that is done."""
    failure = problems.to_failure(error) if isinstance(error, WxbusError) else RpcFailure(500, "Internal error")
    if failure.status == 500:
        log.error("rpc.failed", method=f"{call.service}.{call.name}", exc_info=error)
    return problem_answer(failure)


def problem_answer(failure: RpcFailure) -> Answer:
    """Return the answer that carries the problem document."""
    return Answer(failure.status, problems.CONTENT_TYPE, problems.render(failure), failure.retry_after)
