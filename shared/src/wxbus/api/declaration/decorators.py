"""Decorators that make a method of a `Family` an endpoint."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from typing import Any, Final, Required, TypedDict, TypeVar, Unpack

from wxbus.api.calls import Repeat
from wxbus.api.declaration.endpoint import Endpoint, Family, Kind
from wxbus.api.request import Method

F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, object]])

MARK: Final = "__wxbus_endpoint__"


class Options(TypedDict, total=False):
    """Arguments of `get` and `post`: fields of `Endpoint`."""

    title: Required[str]
    name: str
    repeat: Repeat
    errcodes: Sequence[int]
    fixed: Mapping[str, object]
    fixed_query: Mapping[str, object]
    token: bool
    kinds: tuple[Kind, ...]
    older: Method


def get(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare a method that calls an endpoint with GET; its parameters are the query."""
    return _declaration("GET", path, options)


def post(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare a method that calls an endpoint with POST; its parameters are fields of the JSON body.

    `wxbus.api.declaration.fields` has annotations for another place, and for limits.
    """
    return _declaration("POST", path, options)


def endpoint_of(method: object) -> Endpoint | None:
    """Return the endpoint that a method declares; None if it declares none."""
    found = getattr(method, MARK, None)
    return found if isinstance(found, Endpoint) else None


def endpoints_of(family: type[Family]) -> dict[str, Endpoint]:
    """Return the endpoints of a family by the name of their method, in the order of declaration."""
    found = {name: endpoint_of(member) for name, member in vars(family).items()}
    return {name: endpoint for name, endpoint in found.items() if endpoint is not None}


def _declaration(method: Method, path: str, options: Options) -> Callable[[F], F]:
    def declare(function: F) -> F:
        endpoint = Endpoint(method, path, function, **options)

        @wraps(function)
        async def call(self: Family, /, *args: object, **named: object) -> object:
            return await endpoint.call(self._client, endpoint.options(*args, **named))

        setattr(call, MARK, endpoint)
        return call  # type: ignore[return-value]

    return declare
