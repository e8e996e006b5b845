"""The access checks of a server, which depend on how its callers identify themselves."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from pydantic import BaseModel

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.auth.keys import Authenticator
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.auth.scopes import allowed
from wxbus.rpc.service.call import Call, method_of
from wxbus.rpc.service.checks import Check
from wxbus.rpc.service.declaration import ServedMethod

FAILURES: Final = 60
"""Burst of calls without a valid key from one address."""
FAILURES_PER_SECOND: Final = 2.0
"""Calls per second after the burst."""


class Access(Protocol):
    """The checks of one kind of callers."""

    @property
    def before_body(self) -> Sequence[Check]:
        """The checks before the body is read."""

    @property
    def after_body(self) -> Sequence[Check]:
        """The checks that know the request."""

    def check_declaration(self, method: ServedMethod) -> None:
        """Raise TypeError if no caller could call the method."""


class ApiKeyAccess:
    """Callers are services with API keys or client certificates, which have scopes.

    Before the body: 401 without a valid key, 403 without the scope for any resource, 429 over the limit. With it: 403
    without the scope for the resource in the request.
    """

    def __init__(self, authenticator: Authenticator, *, limit: Check | None = None) -> None:
        """`limit` limits the calls, see `wxbus.rpc.service.rate_limit`."""
        self.before_body: Sequence[Check] = (
            Authenticate(authenticator),
            authorize,
            *([limit] if limit is not None else []),
        )
        self.after_body: Sequence[Check] = (authorize_resource,)

    def check_declaration(self, method: ServedMethod) -> None:
        """Raise TypeError for a method without scopes."""
        if not method.scopes:
            raise TypeError(f"{method.service}.{method.name} has no scopes, so that no API key may call it")


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


def _authorize(method: ServedMethod, principal: Principal | None, request: BaseModel | None) -> None:
    granted = principal.scopes if principal else ()
    if not all(allowed(granted, required.resolve(request)) for required in method.scopes):
        raise RpcFailure(403, "The API key lacks the scope", detail=f"required: {', '.join(map(str, method.scopes))}")
