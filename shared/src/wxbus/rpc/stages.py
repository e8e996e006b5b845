"""What happens around a call, one stage each; a stage may act, call the next one or answer itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from pydantic import BaseModel

from wxbus.errors import RpcFailure, WxbusError
from wxbus.rpc import problems
from wxbus.rpc.call import Answer, Call, Principal
from wxbus.rpc.declaration import Method
from wxbus.rpc.keys import Authenticator
from wxbus.rpc.scopes import allowed
from wxbus.rpc.serialization import Serializers

Next: TypeAlias = Callable[[Call], Awaitable[Answer]]

log = structlog.get_logger("wxbus.rpc")


class Stage(Protocol):
    """One step around the method."""

    async def __call__(self, call: Call, call_next: Next, /) -> Answer:
        """Return the answer; raises WxbusError for the stages outside to turn into one."""


def compose(stages: Sequence[Stage], innermost: Next) -> Next:
    """Wrap `innermost` so that the stages run in the order they are listed."""
    chain = innermost
    for stage in reversed(stages):
        chain = _step(stage, chain)
    return chain


def _step(stage: Stage, call_next: Next) -> Next:
    return lambda call: stage(call, call_next)


class Audit:
    """Notes who called what, how it ended and how long it took; never what was in it."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._calls = Counter(
            "wxbus_rpc_calls_total",
            "RPC calls by method and status",
            ["service", "method", "status"],
            registry=registry,
        )
        self._counters: dict[tuple[str, str, int], Counter] = {}
        """Finding one by its labels costs as much as the rest of the stage."""

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """Stands outermost, so that refusals are noted too."""
        began = time.perf_counter()
        answer = await call_next(call)
        self._counter(call.method, answer.status).inc()
        if not log.is_enabled_for(logging.INFO):
            return answer
        log.info(
            "rpc.call",
            service_name=call.service[:64],
            method=call.name[:64],
            principal=call.principal.name if call.principal else None,
            resource=_resources(call),
            status=answer.status,
            ms=round((time.perf_counter() - began) * 1000, 2),
        )
        return answer

    def _counter(self, known: Method | None, status: int) -> Counter:
        # What a caller made up is no label: it would grow without bound.
        key = (known.service, known.name, status) if known else ("-", "-", status)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._calls.labels(*map(str, key))
        return counter


async def settle_errors(call: Call, call_next: Next) -> Answer:
    """The only place where an exception becomes an answer."""
    try:
        return await call_next(call)
    except WxbusError as exc:
        failure = problems.failure_of(exc)
        if failure.status == 500:
            log.exception("rpc.failed", method=f"{call.service}.{call.name}")
    except Exception:
        log.exception("rpc.failed", method=f"{call.service}.{call.name}")
        failure = RpcFailure(500, "Internal error")
    return answer_of(failure)


async def keep_deadline(call: Call, call_next: Next) -> Answer:
    """Gives a call up when its caller has; 504 for the audit log, since nobody hears the answer."""
    if call.timeout is None:
        return await call_next(call)
    deadline = asyncio.timeout(call.timeout)
    try:
        async with deadline:
            return await call_next(call)
    except TimeoutError as exc:
        if not deadline.expired():
            raise  # one of the method's own
        raise RpcFailure(504, "The caller's deadline is over") from exc


def answer_of(failure: RpcFailure) -> Answer:
    """Return the answer that carries the problem document."""
    return Answer(failure.status, problems.CONTENT_TYPE, problems.render(failure), failure.retry_after)


class Route:
    """Finds the method; what is not declared does not exist."""

    def __init__(self, methods: Mapping[tuple[str, str], Method]) -> None:
        self._methods = methods

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """404 for what is not there."""
        call.method = self._methods.get((call.service, call.name))
        if call.method is None:
            raise RpcFailure(404, "No such method")
        return await call_next(call)


class Authenticate:
    """Finds out who calls."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """401 without credentials or with wrong ones, in one text."""
        if call.credentials is not None:
            call.principal = await self._authenticator(call.credentials)
        if call.principal is None:
            raise RpcFailure(401, "A valid API key is needed", detail="send it as `Authorization: Bearer KEY`")
        return await call_next(call)


async def authorize(call: Call, call_next: Next) -> Answer:
    """403 before the body is read, for who may not call the method for any resource."""
    _check(called(call), call.principal, None)
    return await call_next(call)


async def authorize_resource(call: Call, call_next: Next) -> Answer:
    """403 for who may call the method, but not for the resource that the request names."""
    _check(called(call), call.principal, call.request)
    return await call_next(call)


class Decode:
    """Reads the body into the method's model, and settles what the answer will look like."""

    def __init__(self, serializers: Serializers) -> None:
        self._serializers = serializers

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """415 or 406 for a format that is not known, before the body is read; 400 or 422 if it cannot be used."""
        serializer = self._serializers.of_request(call.content_type)
        call.answer_format = self._serializers.of_answer(call.accept)
        call.request = serializer.decode(await call.read(), called(call).request)
        return await call_next(call)


async def invoke(call: Call) -> Answer:
    """Call the method and encode what it returns: the innermost step."""
    serializer = call.answer_format
    if serializer is None:
        raise RuntimeError("the stage Decode must stand before this one")
    result = await called(call).invoke(call.request)
    return Answer(200, serializer.content_types[0], serializer.encode(result))


def called(call: Call) -> Method:
    """Return the method of a call that was routed."""
    if call.method is None:
        raise RuntimeError("the stage Route must stand before this one")
    return call.method


def _check(method: Method, principal: Principal | None, request: BaseModel | None) -> None:
    granted = principal.scopes if principal else ()
    if not allowed(granted, [needed.filled(request) for needed in method.scopes]):
        needs = ", ".join(":".join(needed.words) for needed in method.scopes)
        raise RpcFailure(403, "The API key has not the scope", detail=f"needed: {needs}")


def _resources(call: Call) -> list[str] | None:
    """What the call was about: the values of the fields that its scopes name."""
    if call.method is None or call.request is None:
        return None
    return sorted({str(getattr(call.request, name)) for needed in call.method.scopes for name in needed.fields})
