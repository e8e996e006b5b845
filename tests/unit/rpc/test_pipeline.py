"""The stages of a call, custom stages and the rate limit."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry

from tests.support.clock import Clock
from tests.support.rpc import Echo, Keys, Question, Reply
from wxbus.errors import RpcFailure
from wxbus.features import Features
from wxbus.rpc import Server, method, service
from wxbus.rpc.auth.keys import ApiKeys, new_key
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.service.call import Answer, Call, current_call
from wxbus.rpc.service.rate_limit import RateLimit
from wxbus.rpc.service.stages import Next, Stage

GOOD = b'{"appid": "wx1"}'


@dataclass
class Tenant:
    """A feature that a stage sets."""

    name: str


@dataclass
class Special(Tenant):
    """A feature of another type."""


def serve(echo: object, keys: Keys, *stages: Stage, limit: RateLimit | None = None) -> Server:
    """Return a server with custom stages."""
    registry = CollectorRegistry()
    return Server([echo], access=ApiKeyAccess(ApiKeys.of(keys.entries), limit=limit), stages=stages, registry=registry)


def call_of(key: str, body: bytes = GOOD) -> Call:
    """Return a call as a transport creates it."""

    async def read() -> bytes:
        return body

    return Call("echo", "say", "application/json", key, read)


async def test_custom_stages_run_in_order_after_the_checks(keys: Keys) -> None:
    """They see the caller and the request of authorised calls only."""
    seen = []

    def noting(name: str) -> Stage:
        async def stage(call: Call, call_next: Next) -> Answer:
            seen.append((name, call.principal and call.principal.name, call.request))
            return await call_next(call)

        return stage

    server = serve(Echo(), keys, noting("first"), noting("second"))
    refused = [call_of("nobody"), call_of(keys.other), call_of(keys.full, b"{"), call_of(keys.one, b'{"appid":"wx2"}')]
    assert [(await server.answer(call)).status for call in refused] == [401, 403, 400, 403]
    assert not seen
    await server.answer(call_of(keys.one))
    assert seen == [(name, "one", Question(appid="wx1")) for name in ("first", "second")]


async def test_a_stage_may_answer_itself(keys: Keys) -> None:
    """A stage that does not call the next one returns its own answer; an error becomes a problem document."""
    echo = Echo()

    async def cached(_call: Call, _call_next: Next) -> Answer:
        return Answer(200, "application/json", b"{}")

    async def closed(_call: Call, _call_next: Next) -> Answer:
        raise RpcFailure(451, "Not here")

    assert (await serve(echo, keys, cached, closed).answer(call_of(keys.full))).body == b"{}"
    assert (await serve(echo, keys, closed, cached).answer(call_of(keys.full))).status == 451
    assert not echo.calls


async def test_a_method_reads_the_features_of_a_stage(keys: Keys) -> None:
    """Features are found by type, and each call has its own."""

    @service("echo")
    class Telling:
        @method(Question, scopes=["echo:say:{appid}"])
        async def say(self, request: Question) -> Reply:
            await asyncio.sleep(0)
            return Reply(text=current_call().features[Tenant].name, caller=request.appid)

    async def tenant(call: Call, call_next: Next) -> Answer:
        assert isinstance(call.request, Question)
        call.features[Tenant] = Tenant("of " + call.request.appid)
        return await call_next(call)

    server = serve(Telling(), keys, tenant)
    bodies = [f'{{"appid": "wx{number}"}}'.encode() for number in range(20)]
    answers = await asyncio.gather(*(server.answer(call_of(keys.full, body)) for body in bodies))
    assert [Reply.model_validate_json(answer.body).text for answer in answers] == [f"of wx{n}" for n in range(20)]


def test_a_missing_feature_is_named() -> None:
    """A forgotten stage is a clear error; a subclass is another feature."""
    features = Features()
    features[Special] = Special("a")
    features[Special] = Special("b")
    assert features[Special].name == "b"
    with pytest.raises(LookupError, match="no middleware has set Tenant"):
        features[Tenant]


async def test_calls_over_the_limit_are_429(keys: Keys) -> None:
    """With the seconds until the next call is accepted; other callers are not affected."""
    clock = Clock()
    echo = Echo()
    server = serve(echo, keys, limit=RateLimit(2.0, burst=3, clock=clock))
    answers = [await server.answer(call_of(keys.full)) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].retry_after == pytest.approx(0.5)
    assert b"2 a second" in answers[-1].body
    assert (await server.answer(call_of(keys.one))).status == 200
    clock.now += 0.5
    assert [(await server.answer(call_of(keys.full))).status for _ in range(2)] == [200, 429]
    clock.now += 1e6
    assert [(await server.answer(call_of(keys.full))).status for _ in range(4)] == [200, 200, 200, 429]
    assert len(echo.calls) == 8


async def test_the_limit_is_checked_before_the_body_is_read(keys: Keys) -> None:
    """And after authentication, so callers cannot use up the limit of others."""
    server = serve(Echo(), keys, limit=RateLimit(1.0, burst=1, clock=Clock()))
    assert (await server.answer(call_of("nobody"))).status == 401
    assert (await server.answer(call_of(keys.other))).status == 403
    assert (await server.answer(call_of(keys.full))).status == 200
    assert (await server.answer(call_of(keys.full, b"{"))).status == 429


def test_a_limit_of_zero_is_an_error() -> None:
    """Without a limit there is no check."""
    with pytest.raises(ValueError, match="above 0"):
        RateLimit(0)


@pytest.mark.parametrize(("granted", "status"), [(["a:b", "a:c"], 200), (["a:b"], 403), (["a:c"], 403)])
async def test_every_required_scope_must_be_granted(granted: list[str], status: int) -> None:
    """A method with two scopes refuses a caller with one."""

    @service("both")
    class Both:
        @method(Question, scopes=["a:b", "a:c"])
        async def say(self, _request: Question) -> Reply:
            """Need two."""
            return Reply(text="", caller="")

    key, entry = new_key("caller", granted)
    server = Server([Both()], access=ApiKeyAccess(ApiKeys.of([entry])), registry=CollectorRegistry())
    assert (await server.answer(replace(call_of(key), service="both"))).status == status


async def test_a_method_takes_features_by_type(keys: Keys) -> None:
    """A parameter besides the request gets what a stage has set; a feature that no stage sets is our fault: a 500."""

    @service("echo")
    class Greeter:
        @method(scopes=["echo:say:{appid}"])
        async def say(self, request: Question, tenant: Tenant) -> Reply:
            """Greet in the name of the tenant."""
            return Reply(text=f"{tenant.name} {request.appid}", caller="")

    async def find_tenant(call: Call, call_next: Next) -> Answer:
        call.features[Tenant] = Tenant("acme")
        return await call_next(call)

    with_stage = await serve(Greeter(), keys, find_tenant).answer(call_of(keys.full))
    without = await serve(Greeter(), keys).answer(call_of(keys.full))

    assert Reply.model_validate_json(with_stage.body).text == "acme wx1"
    assert without.status == 500
