"""Every declared endpoint against the sandbox, over real HTTP."""

import re
from collections.abc import Awaitable
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from tests.support.endpoints import all_endpoints, arguments_of, beyond_limits, wrong_files
from tests.support.sandbox import World
from tests.support.sizes import soak
from wxbus.api.answers import JsonObject
from wxbus.api.declaration.models import Part
from wxbus.api.declaration.parameters import Place, put
from wxbus.api.limits import WECHAT, WECOM
from wxbus.api.wecom.client import SEND
from wxbus.errcodes import ERROR_CODES
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus_sandbox.models import Fault
from wxbus_sandbox.rules.samples import sample

ENDPOINTS = all_endpoints()
ODD: tuple[Any, ...] = (None, "", 0, "x", [None], {"a": 1}, [[]])
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


async def outcome(call: Awaitable[object]) -> int | None:
    """Return the errcode of a call; None if it succeeds."""
    try:
        await call
    except WeChatError as exc:
        return exc.errcode
    return None


def descendants(kind: type[Part]) -> set[type[Part]]:
    """Return all subclasses."""
    return {one for child in kind.__subclasses__() for one in (child, *descendants(child))}


def test_every_declaration_is_complete() -> None:
    """Each endpoint has WeChat's title, a summary, a return type, known errcodes, and names in Python's style."""
    for one in ENDPOINTS:
        endpoint = one.endpoint
        assert endpoint.title, one
        assert endpoint.summary.endswith("."), one
        assert "return" in endpoint.function.__annotations__, one
        assert NAME.fullmatch(one.method), one
        assert all(NAME.fullmatch(parameter.name) for parameter in endpoint.parameters), one
        assert {*endpoint.errcodes} <= {*ERROR_CODES}, (one, {*endpoint.errcodes} - {*ERROR_CODES})
        assert endpoint.errcodes == tuple(dict.fromkeys(endpoint.errcodes)), one


def test_no_two_endpoints_send_the_same_request() -> None:
    """Endpoints of one path differ in their method, in a fixed value or in a required parameter."""
    requests = [
        (
            one.endpoint.method,
            one.path,
            f"{one.endpoint.fixed}{one.endpoint.fixed_query}",
            *sorted(".".join(parameter.key) for parameter in one.endpoint.parameters if parameter.required),
        )
        for one in ENDPOINTS
    ]
    assert sorted({*requests}) == sorted(requests)


def test_type_checkers_know_the_names_of_parts() -> None:
    """`Field(alias=...)` would replace the name of a field in the constructor for mypy and pyright."""
    parts = [part for part in descendants(Part) if part.__module__.startswith("wxbus.")]
    assert len(parts) > 50
    aliased = {f"{part.__name__}.{name}" for part in parts for name, field in part.model_fields.items() if field.alias}
    assert not aliased, "use validation_alias and serialization_alias"


async def test_a_right_call_returns_the_typed_answer(world: World) -> None:
    """With a valid value for every parameter, and with the required ones only.

    An endpoint that keeps state may refuse an unknown id with an errcode of its own.
    """
    for one in ENDPOINTS:
        call = getattr(getattr(world.client(one.account), one.attribute), one.method)
        every = arguments_of(one.endpoint)
        required = frozenset(parameter.name for parameter in one.endpoint.parameters if parameter.required)
        for names in {frozenset(every), required}:
            refused = await outcome(call(**{name: every[name] for name in names}))
            assert refused is None or refused in one.endpoint.errcodes, (one, names, refused)


def test_an_odd_answer_is_read_or_unavailable() -> None:
    """Whatever WeChat sends in place of a field, the call returns its type or raises WeChatUnavailable."""
    for one in ENDPOINTS:
        endpoint = one.endpoint
        if endpoint.is_binary or endpoint.returns is type(None):
            continue
        body: JsonObject = {}
        put(body, endpoint.answer_key, sample(endpoint.answer.json_schema(mode="serialization"), "value"))
        for name, odd in product([*body], ODD):
            with suppress(WeChatUnavailable):
                endpoint.read({**body, name: odd})


async def test_an_argument_out_of_its_limits_is_refused_on_both_sides(world: World) -> None:
    """The method refuses it before the network, with its name; the sandbox with the errcode of the parameter."""
    checked = 0
    for one in ENDPOINTS:
        client = world.client(one.account)
        every = arguments_of(one.endpoint)
        for parameter in one.endpoint.parameters:
            for wrong in [*beyond_limits(parameter), *wrong_files(parameter)]:
                with pytest.raises(ValueError, match=f"{one.method}: {parameter.name}"):
                    await getattr(getattr(client, one.attribute), one.method)(**{**every, parameter.name: wrong})
                if parameter.place is Place.FILE or not parameter.key:
                    continue
                options = one.endpoint.options(**every)
                put(options["params" if parameter.place is Place.QUERY else "json"], parameter.key, wrong)
                with pytest.raises(WeChatError) as caught:
                    await client.call(one.endpoint.method, one.endpoint.path, **options)
                assert caught.value.errcode == parameter.errcode, (one, parameter.name, wrong)
                checked += 1
    assert checked > len(ENDPOINTS) / 4


async def test_each_errcode_of_its_own_has_an_exception(world: World) -> None:
    """The class that the table of errcodes names, with path and errcode; never a plain WeChatError."""
    world.sandbox.faults.reset()
    for one in ENDPOINTS:
        call = getattr(getattr(world.client(one.account), one.attribute), one.method)
        arguments = arguments_of(one.endpoint)
        errors = [code for code in one.endpoint.errcodes if ERROR_CODES[code].branch is not None]
        for errcode in errors[: soak(full=len(errors), quick=1)]:
            branch = ERROR_CODES[errcode].branch
            world.sandbox.faults.add(Fault(path=one.path, errcode=errcode, times=9))
            with pytest.raises(WeChatError) as caught:
                await call(**arguments)
            assert (caught.value.errcode, caught.value.call) == (errcode, one.endpoint.path), one
            assert type(caught.value).__name__ == branch, one
            world.sandbox.faults.reset()


def test_every_limit_is_that_of_an_endpoint() -> None:
    """A path that nobody calls would limit nothing."""
    declared = {one.endpoint.path for one in all_endpoints()} | {SEND}
    limited = {*WECHAT.by_path, *WECOM.by_path, *WECOM.per_user}
    assert limited - declared == set()
