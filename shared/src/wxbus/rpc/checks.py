"""The checks before a method: each notes what it finds on the call, or refuses it."""

from collections.abc import Awaitable, Mapping
from typing import Protocol

from pydantic import BaseModel

from wxbus.errors import RpcFailure
from wxbus.rpc.call import Call, Principal, called
from wxbus.rpc.declaration import Method
from wxbus.rpc.keys import Authenticator
from wxbus.rpc.scopes import allowed
from wxbus.rpc.serialization import Serializers


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
    """Finds out who calls."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    def __call__(self, call: Call) -> None:
        """401 without credentials or with wrong ones, in one text."""
        if call.credentials is not None:
            call.principal = self._authenticator(call.credentials)
        elif call.subject is not None:
            call.principal = self._authenticator.certified(call.subject)
        if call.principal is None:
            raise RpcFailure(401, "A valid API key is needed", detail="send it as `Authorization: Bearer KEY`")


def authorize(call: Call) -> None:
    """403 before the body is read, for who may not call the method for any resource."""
    _authorize(called(call), call.principal, None)


def authorize_resource(call: Call) -> None:
    """403 for who may call the method, but not for the resource that the request names."""
    _authorize(called(call), call.principal, call.request)


class Decode:
    """Reads the body into the method's model, and settles what the answer will look like."""

    def __init__(self, serializers: Serializers) -> None:
        self._serializers = serializers

    async def __call__(self, call: Call) -> None:
        """415 or 406 for a format that is not known, before the body is read; 400 or 422 if it cannot be used."""
        serializer = self._serializers.of_request(call.content_type)
        call.answer_format = self._serializers.of_answer(call.accept)
        call.request = serializer.decode(await call.read(), called(call).request)


def _authorize(method: Method, principal: Principal | None, request: BaseModel | None) -> None:
    granted = principal.scopes if principal else ()
    for needed in method.scopes:
        if not allowed(granted, needed.words_for(request)):
            needs = ", ".join(":".join(each.words) for each in method.scopes)
            raise RpcFailure(403, "The API key has not the scope", detail=f"needed: {needs}")
