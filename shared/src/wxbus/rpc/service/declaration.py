"""Declares a service: `@service` on the class, `@method` on each method that callers may call.

    @service("token")
    class TokenService:
        @method(TokenRequest, scopes=["token:get:{appid}"])
        async def get(self, request: TokenRequest) -> TokenAnswer: ...

The declared method takes one pydantic model and returns one. Callers pass the model's fields:
`await client.bind(TokenService).get(appid=...)`. A declaration that services share is an abstract class; the service
implements each method under `@TokenService.get.implementation`.

Further parameters are injected by type: `async def get(self, request: TokenRequest, user: User)` gets the
`User` that a check or a stage has put into the call's features.
"""

import inspect
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import (
    Any,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    TypeAlias,
    TypeGuard,
    TypeVar,
    cast,
    get_type_hints,
    overload,
)

from pydantic import BaseModel

from wxbus.rpc.auth.scopes import RequiredScope

C = TypeVar("C", bound=type)
P = ParamSpec("P")
R = TypeVar("R", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)

Function: TypeAlias = Callable[Concatenate[Any, R, ...], Coroutine[Any, Any, A]]
"""`async def name(self, request: R, ...) -> A`."""

SERVICE_MARK: Final = "__wxbus_service__"
NAME: Final = re.compile("[A-Za-z][A-Za-z0-9_-]{0,63}")
"""Name of a service: part of paths, queue names and scopes."""


@dataclass(frozen=True, slots=True)
class ServedMethod:
    """One callable method of one service object."""

    service: str
    name: str
    request: type[BaseModel]
    answer: type[BaseModel]
    scopes: tuple[RequiredScope, ...]
    """The scopes that an API key needs."""
    needs: object | None
    """A requirement on callers without an API key; the server's checks interpret it."""
    injected: Mapping[str, type]
    """Parameters besides the request, which get features of the call."""
    invoke: Callable[..., Coroutine[Any, Any, BaseModel]]
    """Takes a `request` and the injected values by name, returns an `answer`."""
    summary: str
    """First line of its docstring."""


class DeclaredMethod(Generic[P, R, A]):
    """A method under `@method`; on an object it takes the fields of its request: `await token.get(appid=...)`."""

    def __init__(
        self,
        request: Callable[P, R] | None,
        function: Function[R, A],
        *,
        scopes: tuple[RequiredScope, ...] = (),
        needs: object | None = None,
    ) -> None:
        """Check the function's signature; raises TypeError. `request` is by default that of the signature."""
        self.function = function
        name = getattr(function, "__qualname__", type(function).__name__)
        hints = get_type_hints(function) if inspect.iscoroutinefunction(function) else {}
        first, *others = list(inspect.signature(function).parameters)[1:] or [""]
        taken, answer = hints.get(first), hints.get("return")
        if not _is_model(taken) or not _is_model(answer) or request not in (None, taken):
            raise TypeError(f"{name} must be `async def name(self, request: Model) -> Model` under @method(Model, ...)")
        if unknown := [other for other in others if not isinstance(hints.get(other), type)]:
            raise TypeError(f"{name}: the parameter {unknown[0]} must have a class as its type")
        request = cast("Callable[P, R]", taken)
        self._request = request
        for scope in scopes:
            if missing := scope.fields - taken.model_fields.keys():
                raise TypeError(f"{name}: {taken.__name__} has no field {', '.join(sorted(missing))}")
        self.request: type[BaseModel] = taken
        self.answer: type[BaseModel] = answer
        self.scopes = scopes
        self.needs = needs
        self.injected: Mapping[str, type] = {other: hints[other] for other in others}
        self.summary = (inspect.getdoc(function) or "").partition("\n")[0]
        self.__isabstractmethod__ = getattr(function, "__isabstractmethod__", False)

    @overload
    def __get__(self, instance: None, owner: type) -> "DeclaredMethod[P, R, A]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> Callable[P, Coroutine[Any, Any, A]]: ...
    def __get__(self, instance: object | None, owner: type) -> object:
        if instance is None:
            return self

        def call(*args: P.args, **fields: P.kwargs) -> Coroutine[Any, Any, A]:
            return self.function(instance, self._request(*args, **fields))

        return call

    def implementation(self, function: Function[R, A]) -> "DeclaredMethod[P, R, A]":
        """Mark the method of a subclass that implements this declaration."""
        implemented = DeclaredMethod(self._request, function, scopes=self.scopes, needs=self.needs)
        implemented.summary = self.summary
        return implemented


@overload
def method(
    request: Callable[P, R], *, scopes: Sequence[str] = (), needs: object | None = None
) -> Callable[[Function[R, A]], DeclaredMethod[P, R, A]]: ...
@overload
def method(
    *, scopes: Sequence[str] = (), needs: object | None = None
) -> Callable[[Function[R, A]], DeclaredMethod[..., R, A]]: ...
def method(
    request: Callable[..., Any] | None = None, *, scopes: Sequence[str] = (), needs: object | None = None
) -> Callable[..., Any]:
    """Declare a method for callers that have all of `scopes`, or that meet the requirement `needs`.

    Args:
        request: Model of the request; typed calls by `Client.bind` need it. By default that of the signature.
        scopes: The scopes that an API key needs; `{field}` is a field of the request.
        needs: A requirement on other callers, for servers with their own checks, like the gateway's sessions.

    Raises:
        ValueError: There are neither scopes nor needs, or a scope is malformed.
        TypeError: The function is not `async def name(self, request: Model) -> Model`, or a scope names a field that
            the request lacks.
    """
    needed = tuple(RequiredScope.parse(scope) for scope in scopes)
    if not needed and needs is None:
        raise ValueError("a method needs at least one scope, or needs=...")
    return lambda function: DeclaredMethod(request, function, scopes=needed, needs=needs)


def service(name: str) -> Callable[[C], C]:
    """Mark a class as the declaration of the service `name`; subclasses implement the same service.

    Raises:
        ValueError: The name has other characters than letters, digits, _ and -.
        TypeError: `@method` is under a staticmethod, classmethod or property.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a service name: a letter, then up to 63 letters, digits, _ and -")

    def mark(cls: C) -> C:
        for member_name, member in inspect.getmembers_static(cls):
            inner = getattr(member, "__func__", None) or getattr(member, "fget", None)
            if isinstance(inner, DeclaredMethod):
                kind = type(member).__name__
                raise TypeError(f"{cls.__name__}.{member_name} is a {kind}: @method marks `async def` methods only")
        setattr(cls, SERVICE_MARK, name)
        return cls

    return mark


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def service_name(declaration: object) -> str:
    """Return the name of a declared service; raises TypeError for a class that is not under `@service`."""
    name = getattr(declaration, SERVICE_MARK, None)
    if not isinstance(name, str):
        raise TypeError(f"{getattr(declaration, '__name__', declaration)} is not marked with @service")
    return name


def declared_methods(declaration: object) -> Mapping[str, DeclaredMethod[Any, Any, Any]]:
    """Return the methods under `@method` of a class, by name."""
    members = inspect.getmembers_static(declaration)
    return {name: member for name, member in members if isinstance(member, DeclaredMethod)}


def methods_of(instance: object) -> Mapping[str, ServedMethod]:
    """Return the methods of a service object that callers may call, by name.

    Raises:
        TypeError: Its class is not marked with `@service`.
    """
    cls = type(instance)
    named = service_name(cls)
    return {
        name: ServedMethod(
            named,
            name,
            declared.request,
            declared.answer,
            declared.scopes,
            declared.needs,
            declared.injected,
            partial(declared.function, instance),
            declared.summary,
        )
        for name, declared in declared_methods(cls).items()
    }
