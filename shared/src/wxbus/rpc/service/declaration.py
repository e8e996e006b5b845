"""Declare a service: `@service` on the class, `@method` on what may be called. What is not marked cannot be called.

A method takes one pydantic model and returns one:

    @service("token")
    class TokenService:
        @method(scopes=["token:get:{appid}"])
        async def get(self, request: TokenRequest) -> TokenAnswer: ...
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_type_hints

from pydantic import BaseModel

from wxbus.rpc.auth.scopes import Needed

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Awaitable[BaseModel]])

SERVICE_MARK: Final = "__wxbus_service__"
METHOD_MARK: Final = "__wxbus_method__"
NAME: Final = re.compile("[A-Za-z][A-Za-z0-9_-]{0,63}")
"""A service's name stands in paths, in names of queues and in scopes."""


@dataclass(frozen=True, slots=True)
class Method:
    """One callable method of one service object."""

    service: str
    name: str
    request: type[BaseModel]
    answer: type[BaseModel]
    scopes: tuple[Needed, ...]
    invoke: Callable[[Any], Awaitable[BaseModel]]
    """Takes a `request`, returns an `answer`."""
    summary: str
    """First line of its docstring."""


def method(*, scopes: Sequence[str]) -> Callable[[F], F]:
    """Mark a method as callable for who holds all of `scopes`; `{field}` in one is a field of the request."""
    needed = tuple(Needed.parse(scope) for scope in scopes)
    if not needed:
        raise ValueError("a method needs at least one scope")

    def mark(function: F) -> F:
        setattr(function, METHOD_MARK, needed)
        return function

    return mark


def service(name: str) -> Callable[[C], C]:
    """Mark a class as the service `name` and check its marked methods.

    Raises:
        ValueError: The name is not of letters, digits, _ and -.
        TypeError: A marked method is not `async def name(self, request: Model) -> Model`, or a scope names a field
            that the request has not.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a service: a letter, then up to 63 letters, digits, _ and -")

    def mark(cls: C) -> C:
        setattr(cls, SERVICE_MARK, name)
        for member, needed in _marked(cls).items():
            _signature(cls, member, needed)
        return cls

    return mark


def methods_of(instance: object) -> Mapping[str, Method]:
    """Return the methods of a service object that may be called, by name.

    Raises:
        TypeError: Its class is not marked with `@service`.
    """
    cls = type(instance)
    name = vars(cls).get(SERVICE_MARK)
    if not isinstance(name, str):
        raise TypeError(f"{cls.__name__} is not marked with @service")
    methods = {}
    for member, needed in _marked(cls).items():
        request, answer = _signature(cls, member, needed)
        function = getattr(instance, member)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        methods[member] = Method(name, member, request, answer, needed, function, summary)
    return methods


def _marked(cls: type) -> dict[str, tuple[Needed, ...]]:
    marked = {}
    for name, member in inspect.getmembers_static(cls):
        wrapped = [getattr(member, inner, None) for inner in ("__func__", "fget")]  # of what is no plain function
        needed = next((found for one in (member, *wrapped) if (found := getattr(one, METHOD_MARK, None))), None)
        if needed is None:
            continue
        if not inspect.isfunction(member):
            kind = type(member).__name__
            raise TypeError(
                f"{cls.__name__}.{name} is a {kind}: @method marks `async def {name}(self, request: Model)`"
            )
        marked[name] = needed
    return marked


def _signature(cls: type, name: str, needed: tuple[Needed, ...]) -> tuple[type[BaseModel], type[BaseModel]]:
    function = inspect.getattr_static(cls, name)
    notifications = get_type_hints(function)
    parameters = list(inspect.signature(function).parameters)
    models = [
        hint
        for slot in [*parameters[1:], "return"]
        if isinstance(hint := notifications.get(slot), type) and issubclass(hint, BaseModel)
    ]
    if not (inspect.iscoroutinefunction(function) and len(parameters) == len(models) == 2):
        raise TypeError(f"{cls.__name__}.{name} must be `async def {name}(self, request: Model) -> Model`")
    request, answer = models
    for template in needed:
        if missing := template.fields - request.model_fields.keys():
            raise TypeError(f"{cls.__name__}.{name}: {request.__name__} has no field {', '.join(sorted(missing))}")
    return request, answer
