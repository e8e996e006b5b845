"""The stages of a call: each may call the next one or answer itself."""

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
    """One stage around the method."""

    async def __call__(self, call: Call, call_next: Next, /) -> Answer:
        """Return the answer; the server turns a WxbusError into one."""


def compose(stages: Sequence[Stage], innermost: Next) -> Next:
    """Wrap `innermost` in the stages, the first one outermost."""
    chain = innermost
    for stage in reversed(stages):
        chain = _step(stage, chain)
    return chain


def _step(stage: Stage, call_next: Next) -> Next:
    return lambda call: stage(call, call_next)


class RunChecks:
    """Runs the checks one after another. One stage for each check would cost more than the check."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(checks)

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """Call the next stage if no check refuses the call."""
        for check in self._checks:
            if (pending := check(call)) is not None:
                await pending
        return await call_next(call)


async def invoke(call: Call) -> Answer:
    """Call the method and encode its answer: the innermost stage."""
    serializer = call.answer_format
    if serializer is None:
        raise RuntimeError("the check Decode must come before this one")
    method = method_of(call)
    injected: dict[str, object] = {name: call.features[kind] for name, kind in method.injected.items()}
    result = await method.invoke(call.request, **injected)
    return Answer(200, serializer.content_types[0], serializer.encode(result))


async def within_deadline(answering: Awaitable[Answer], seconds: float) -> Answer:
    """Cancel a call at its caller's deadline; the answer 504 is only for the audit log."""
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await answering
    except TimeoutError as exc:
        if not deadline.expired():
            raise  # by the method itself
        raise RpcFailure(504, "The caller's deadline has passed") from exc


def error_answer(call: Call, error: Exception, *, public: bool) -> Answer:
    """Return the answer to a failed call, `public` for callers outside; the only place that converts exceptions."""
    convert = problems.to_public_failure if public else problems.to_failure
    failure = convert(error) if isinstance(error, WxbusError) else RpcFailure(500, "Internal error")
    name = f"{call.service}.{call.name}"
    if failure.status == 500:
        log.error("rpc.failed", method=name, exc_info=error)
    elif public and failure is not error and failure.status == 503:
        log.warning("rpc.unavailable", method=name, reason=str(error) or type(error).__name__)
    return problem_answer(failure)


def problem_answer(failure: RpcFailure) -> Answer:
    """Return the answer with the problem document."""
    return Answer(failure.status, problems.CONTENT_TYPE, problems.render(failure), failure.retry_after)
