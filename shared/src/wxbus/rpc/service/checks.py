"""The checks before a method: each notes what it finds on the call, or refuses it."""

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
from wxbus.rpc.service.declaration import Method

FAILURES: Final = 60
"""Calls without a valid key that one address may make at once."""
FAILURES_PER_SECOND: Final = 2.0
"""How often it may after that."""
WARNINGS: Final = 10
"""Log lines about unknown fields in calls of one method, at once."""
WARNINGS_PER_SECOND: Final = 1 / 60
"""How many there may be after that."""

log = structlog.get_logger("wxbus.rpc")


class Check(Protocol):
    """One look at a call before its method: it notes what it finds, or refuses by raising WxbusError."""

    def __call__(self, call: Call, /) -> Awaitable[None] | None:
        """Return, or return what is to be awaited, if the call may go on."""


class Route:
    """Finds the method; what is not declared does not exist."""

    def __init__(self, methods: Mapping[tuple[str, str], Method]) -> None:
        self._methods = methods

    def __call__(self, call: Call) -> None:
        """404 for what is not there."""
        call.method = self._methods.get((call.service, call.name))
        if call.method is None:
            raise RpcFailure(404, "No such method")


class Authenticate:
    """Finds out who calls; an address that presents wrong keys again and again is slowed down, right keys never are."""

    def __init__(self, authenticator: Authenticator, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._authenticator = authenticator
        self._failures: Buckets[str] = Buckets(FAILURES_PER_SECOND, FAILURES, clock=clock)

    def __call__(self, call: Call) -> None:
        """401 without credentials or with wrong ones, in one text; 429 if the address has failed too often."""
        if call.credentials is not None:
            call.principal = self._authenticator(call.credentials)
        elif call.subject is not None:
            call.principal = self._authenticator.by_certificate(call.subject)
        if call.principal is None:
            if wait := self._failures.take(call.remote):
                raise RpcFailure(429, "Too many calls without a valid API key", retry_after=wait)
            raise RpcFailure(401, "A valid API key is needed", detail="send it as `Authorization: Bearer KEY`")


def authorize(call: Call) -> None:
    """403 before the body is read, for who may not call the method for any resource."""
    _authorize(method_of(call), call.principal, None)


def authorize_resource(call: Call) -> None:
    """403 for who may call the method, but not for the resource that the request names."""
    _authorize(method_of(call), call.principal, call.request)


class Decode:
    """Reads the body into the method's model, and settles what the answer will look like.

    Fields that the model has not are ignored with a warning: a newer client may call an older server.
    """

    def __init__(self, serializers: Serializers) -> None:
        self._serializers = serializers
        self._warnings: Buckets[tuple[str, str]] = Buckets(WARNINGS_PER_SECOND, WARNINGS)

    async def __call__(self, call: Call) -> None:
        """415 or 406 for a format that is not known, before the body is read; 400 or 422 if it cannot be used."""
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


def _authorize(method: Method, principal: Principal | None, request: BaseModel | None) -> None:
    granted = principal.scopes if principal else ()
    if not all(allowed(granted, required.resolve(request)) for required in method.scopes):
        raise RpcFailure(403, "The API key lacks the scope", detail=f"required: {', '.join(map(str, method.scopes))}")
