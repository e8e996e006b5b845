"""The checks before a method: each one completes the call or refuses it."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import structlog
from pydantic import BaseModel

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.auth.keys import Authenticator
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.auth.scopes import allowed
from wxbus.rpc.codec.serialization import IGNORED_FIELDS, Serializers
from wxbus.rpc.service.call import Call, method_of
from wxbus.rpc.service.declaration import ServedMethod

FAILURES: Final = 60
"""Calls without a valid key of one address at once."""
FAILURES_PER_SECOND: Final = 2.0
"""Calls after that."""
WARNINGS: Final = 10
"""Log lines at once about unknown fields in calls of one method."""
WARNINGS_PER_SECOND: Final = 1 / 60
"""Lines after that."""

log = structlog.get_logger("wxbus.rpc")


class Check(Protocol):
    """A check before the method: completes the call, or refuses it with WxbusError."""

    def __call__(self, call: Call, /) -> Awaitable[None] | None:
        """Return None or an awaitable if the call may proceed."""


class Route:
    """Finds the declared method."""

    def __init__(self, methods: Mapping[tuple[str, str], ServedMethod]) -> None:
        self._methods = methods

    def __call__(self, call: Call) -> None:
        """Refuse with 404 if there is none."""
        call.method = self._methods.get((call.service, call.name))
        if call.method is None:
            raise RpcFailure(404, "No such method")


class Authenticate:
    """Identifies the caller. An address that sends invalid keys is limited; valid keys are not."""

    def __init__(self, authenticator: Authenticator, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._authenticator = authenticator
        self._failures: Buckets[str] = Buckets(FAILURES_PER_SECOND, FAILURES, clock=clock)

    def __call__(self, call: Call) -> None:
        """Refuse with 401 without valid credentials; with 429 if the address has failed too often."""
        if call.credentials is not None:
            call.principal = self._authenticator(call.credentials)
        elif call.subject is not None:
            call.principal = self._authenticator.by_certificate(call.subject)
        if call.principal is None:
            if wait := self._failures.take(call.remote):
                raise RpcFailure(429, "Too many calls without a valid API key", retry_after=wait)
            raise RpcFailure(401, "A valid API key is required", detail="send it as `Authorization: Bearer KEY`")


def authorize(call: Call) -> None:
    """Refuse with 403, before the body is read, a caller that lacks the scope for every resource."""
    _authorize(method_of(call), call.principal, None)


def authorize_resource(call: Call) -> None:
    """Refuse with 403 a caller that lacks the scope for the resource in the request."""
    _authorize(method_of(call), call.principal, call.request)


class Decode:
    """Decodes the body into the request, and chooses the format of the answer.

    Unknown fields are ignored with a warning: a newer client may call an older server.
    """

    def __init__(self, serializers: Serializers) -> None:
        self._serializers = serializers
        self._warnings: Buckets[tuple[str, str]] = Buckets(WARNINGS_PER_SECOND, WARNINGS)

    async def __call__(self, call: Call) -> None:
        """Refuse with 415 or 406, before the body is read, for unknown formats; with 400 or 422 for an invalid body."""
        method = method_of(call)
        serializer = self._serializers.for_request(call.content_type)
        call.answer_format = self._serializers.for_answer(call.accept, method.answer)
        body = await call.read()
        unknown: list[str] = []
        token = IGNORED_FIELDS.set(unknown)
        try:
            call.request = serializer.decode(body, method.request)
        finally:
            IGNORED_FIELDS.reset(token)
        if unknown and not self._warnings.take((method.service, method.name)):
            log.warning(
                "rpc.fields_ignored",
                method=f"{method.service}.{method.name}",
                principal=call.principal.name if call.principal else None,
                fields=[name[:64] for name in unknown[:10]],
            )


def _authorize(method: ServedMethod, principal: Principal | None, request: BaseModel | None) -> None:
    granted = principal.scopes if principal else ()
    if not all(allowed(granted, required.resolve(request)) for required in method.scopes):
        raise RpcFailure(403, "The API key lacks the scope", detail=f"required: {', '.join(map(str, method.scopes))}")
