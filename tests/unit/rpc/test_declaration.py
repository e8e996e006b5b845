"""Declarations and scopes."""

# mypy: disable-error-code="empty-body"
# A declaration needs no body.

from abc import ABC, abstractmethod
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.support.rpc import Echo, Question, Reply
from wxbus.rpc import Server, method, service
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.auth.scopes import RequiredScope, Scope, allowed
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.service.declaration import methods_of


def test_only_marked_methods_are_declared() -> None:
    """A public method without `@method` cannot be called."""
    assert list(methods_of(Echo())) == ["say"]


def test_an_override_without_a_mark_is_not_callable() -> None:
    """A subclass marks the methods that it overrides."""

    @service("quiet")
    class Quiet(Echo):
        async def say(self, request: Question) -> Reply:  # type: ignore[override] # not declared
            raise AssertionError(request)

    assert not methods_of(Quiet())


@service("shared")
class Shared(ABC):
    """A declaration without an implementation."""

    @method(Question, scopes=["shared:ask:{appid}"])
    @abstractmethod
    async def ask(self, request: Question) -> Reply:
        """Answer a question."""


class Implemented(Shared):
    @Shared.ask.implementation
    async def ask(self, request: Question) -> Reply:
        """Repeat the appid."""
        return Reply(text=request.appid * request.times, caller="")


def test_an_implementation_inherits_the_declaration() -> None:
    """Service name, scopes, models and summary come from the declaration that callers share."""
    (ask,) = methods_of(Implemented()).values()
    assert (ask.service, ask.name, ask.summary) == ("shared", "ask", "Answer a question.")
    assert (ask.request, ask.answer, ask.scopes) == (Question, Reply, Shared.ask.scopes)


def test_a_declaration_without_an_implementation_is_not_served() -> None:
    """A forgotten method fails when the service object is created."""
    with pytest.raises(TypeError, match="abstract"):
        Shared()  # type: ignore[abstract]


async def test_a_service_object_takes_the_fields_of_its_requests() -> None:
    """The same call works in the process and on a bound client."""
    assert (await Implemented().ask(appid="wx1", times=2)).text == "wx1wx1"


def test_a_wrong_declaration_is_refused_at_once() -> None:
    """An invalid method fails when its class is created, not when it is called."""
    with pytest.raises(TypeError, match="no field account"):

        @service("a")
        class _A:
            @method(Question, scopes=["a:b:{account}"])
            async def b(self, request: Question) -> Reply: ...

    with pytest.raises(TypeError, match=r"_B\.b must be `async def name\(self, request: Model\) -> Model`"):

        @service("a")
        class _B:
            @method(Question, scopes=["a:b"])  # type: ignore[arg-type] # what is tested
            async def b(self, request: str) -> Reply: ...

    with pytest.raises(ValueError, match="at least one scope"):
        method(Question, scopes=[])


def test_a_method_that_nobody_may_call_is_refused_at_once() -> None:
    """A method without scopes is not served to callers with API keys; its parameters have classes as types."""

    @service("orders")
    class Orders:
        @method(needs="session")
        async def list(self, request: Question) -> Reply:
            raise AssertionError(request)

    with pytest.raises(TypeError, match=r"orders\.list has no scopes"):
        Server([Orders()], access=ApiKeyAccess(ApiKeys.of([])), registry=CollectorRegistry())
    with pytest.raises(TypeError, match="the parameter user must have a class as its type"):

        @service("orders")
        class _Wrong:
            @method(needs="session")
            async def list(self, request: Question, user: "str | None") -> Reply: ...


@pytest.mark.parametrize("wrap", [staticmethod, classmethod, property])
def test_a_mark_on_another_descriptor_is_an_error(wrap: Any) -> None:
    """Static methods, class methods and properties cannot be called."""

    async def say(self: object, request: Question) -> Reply:
        raise AssertionError(f"{self} {request}")

    marked = method(Question, scopes=["echo:say:all"])(say)
    with pytest.raises(TypeError, match=rf"Wrong\.say is a {wrap.__name__}"):
        service("wrong")(type("Wrong", (), {"say": wrap(marked)}))


@pytest.mark.parametrize("name", ["", "a/b c", "a.b", "1a", "a" * 65, "dé"])
def test_an_invalid_service_name_is_an_error(name: str) -> None:
    """A service's name is part of paths, queue names and scopes."""
    with pytest.raises(ValueError, match="is not a service name"):
        service(name)


def test_services_are_registered_explicitly_and_once() -> None:
    """Importing a class serves nothing; two objects cannot serve the same method."""
    keys = ApiKeys.of([])
    assert not Server([], access=ApiKeyAccess(keys), registry=CollectorRegistry()).methods
    with pytest.raises(TypeError, match=r"two objects declare echo\.say"):
        Server([Echo(), Echo()], access=ApiKeyAccess(keys), registry=CollectorRegistry())
    with pytest.raises(TypeError, match="not marked"):
        Server([object()], access=ApiKeyAccess(keys), registry=CollectorRegistry())


@pytest.mark.parametrize(
    ("granted", "needed", "yes"),
    [
        ("token:get:wx1", ("token", "get", "wx1"), True),
        ("token:get:*", ("token", "get", "wx1"), True),
        ("token:*:wx1", ("token", "get", "wx1"), True),
        ("token:get:wx1", ("token", "get", None), True),
        ("token:get:wx1", ("token", "get", "wx2"), False),
        ("token:get:wx1", ("token", "get", "*"), False),
        ("token:get:wx1", ("token", "report_invalid", "wx1"), False),
        ("token:get:*", ("token", "get"), False),
        ("*", ("token", "get", "wx1"), False),
        ("token:get", ("token", "get", "wx1"), False),
    ],
)
def test_what_a_scope_covers(granted: str, needed: tuple[str | None, ...], yes: bool) -> None:
    """Scopes match word by word; `*` matches one word; values of requests are never patterns."""
    assert Scope.parse(granted).covers(needed) is yes


def test_one_of_several_scopes_is_enough() -> None:
    """Each scope of a key counts by itself."""
    granted = (Scope.parse("a:b"), Scope.parse("a:c"))
    assert allowed(granted, ("a", "c"))
    assert not allowed(granted, ("a", "d"))


@pytest.mark.parametrize("text", ["", "a:", "a b", "a:**", "a:{b}", "a:b*"])
def test_a_malformed_scope_is_refused(text: str) -> None:
    """An error in the keys file is reported, and is not a scope that never matches."""
    with pytest.raises(ValueError, match="not a scope"):
        Scope.parse(text)
    if "{" not in text:
        with pytest.raises(ValueError, match="not a scope"):
            RequiredScope.parse(text)
