"""The client over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from tests.support.clock import AdvancedClock
from tests.support.http import HttpClient
from tests.support.rpc import Echo, Keys, Question, Reply
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc import Client, method, service

QUESTION = Question(appid="wx1")


def address(http: HttpClient) -> str:
    """Return the address of the service."""
    return str(http.make_url("/"))


@pytest.fixture
async def client(http: HttpClient, keys: Keys) -> AsyncIterator[Client]:
    """A client of the service."""
    async with Client.open(address(http), keys.full) as opened:
        yield opened


async def test_a_bound_client_calls_declared_methods(client: Client) -> None:
    """Callers pass the fields of the request and get the answer's model; undeclared methods do not exist."""
    echo = client.bind(Echo)
    assert await echo.say(appid="wx1", times=2) == Reply(text="wx1wx1", caller="full")
    with pytest.raises(ValidationError, match="times"):
        await echo.say(appid="wx1", times="many")  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        await echo.unmarked(Question(appid="wx1"))


class Named(BaseModel):
    name: str
    method: str


@service("registry")
class Registry:
    @method(Named, scopes=["registry:add:{name}"])
    async def add(self, request: Named) -> Named:
        """Return the request."""
        return request


async def test_fields_may_have_any_name(client: Client) -> None:
    """Also those of the parameters of `bind`; the service of this test does not exist."""
    with pytest.raises(RpcFailure, match="404"):
        await client.bind(Registry).add(name="shop", method="get")
    assert await Registry().add(name="shop", method="get") == Named(name="shop", method="get")


async def test_only_declarations_can_be_bound(client: Client) -> None:
    """A class without `@service` names no service."""
    with pytest.raises(TypeError, match="Question is not marked with @service"):
        client.bind(Question)


async def test_a_refused_connection_is_rpc_unavailable(unused_tcp_port: int, keys: Keys) -> None:
    """The error does not contain the key."""
    async with Client.open(f"http://127.0.0.1:{unused_tcp_port}", keys.full) as client:
        with pytest.raises(RpcUnavailable) as caught:
            await client.call("echo", "say", QUESTION, Reply, attempts=2)
    assert keys.full not in repr(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None, "errors of aiohttp may contain the headers"


def serving(handler: Handler) -> TestServer:
    """Serve one handler for every path."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    return TestServer(app)


async def test_a_hanging_service_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without an answer ends at the caller's timeout with RpcUnavailable."""
    asked, clock = asyncio.Event(), AdvancedClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)

    async def hang(_request: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(hang) as server, Client.open(str(server.make_url("/")), "key") as client:
        calling = asyncio.create_task(client.call("echo", "say", QUESTION, Reply, timeout=60.0))
        await asked.wait()
        clock.ahead = 60.0
        with pytest.raises(RpcUnavailable, match="no answer in time"):
            await calling


async def test_a_broken_connection_is_rpc_unavailable() -> None:
    """A truncated answer is no answer."""

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        if request.transport:
            request.transport.abort()
        return response

    async with serving(cut) as server, Client.open(str(server.make_url("/")), "key") as client:
        with pytest.raises(RpcUnavailable):
            await client.call("echo", "say", QUESTION, Reply)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"<html>", "502 Unreadable answer"),
        (200, b'{"text": "hunter2-hunter2"}', "502 Unreadable answer"),
        (502, b"<html>bad gateway</html>", "502 no problem document"),
        (404, b'["a"]', "404 no problem document"),
        (302, b"", "302 no problem document"),
        (500, b'{"title": 5, "detail": [], "retry_after": "x", "errors": "y"}', "500 no problem document"),
    ],
)
async def test_an_answer_of_a_proxy_is_a_failure(status: int, body: bytes, expected: str) -> None:
    """Redirects are not followed, because the request has the key; no body is shown."""
    asked = []

    async def odd(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, body=body, headers={"Location": "/elsewhere"} if status == 302 else None)

    async with serving(odd) as server, Client.open(str(server.make_url("/")), "key") as client:
        with pytest.raises(RpcFailure, match=expected) as caught:
            await client.call("echo", "say", QUESTION, Reply)
    assert asked == ["/rpc/echo/say"]
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("url", ["", "token:8081", "ftp://token", "http://", "http://token/?a=b"])
async def test_an_invalid_address_fails_at_start(url: str) -> None:
    """An error in a setting is reported when the client is opened, not at the first call."""
    with pytest.raises(ConfigurationError, match="http://token:8081"):
        async with Client.open(url, "key"):
            raise AssertionError


@pytest.mark.parametrize("key", ["a b", "a\n", "\xfc"])
async def test_an_invalid_key_is_refused_without_showing_it(key: str) -> None:
    """An API key with a line end from a file is a clear error."""
    with pytest.raises(ConfigurationError, match="printable") as caught:
        async with Client.open("http://token", key):
            raise AssertionError
    assert key not in str(caught.value)


UNUSED = {
    # WebSockets are not used.
    "WSMessageTypeError",
}


def test_every_error_of_aiohttp_is_translated() -> None:
    """A new aiohttp with an error outside of its exception tree fails here, not in a caller."""
    errors = [
        error
        for error in vars(aiohttp.client_exceptions).values()
        if isinstance(error, type) and issubclass(error, Exception) and error.__module__.startswith("aiohttp")
    ]
    assert len(errors) > 20
    stray = {error.__name__ for error in errors if not issubclass(error, aiohttp.ClientError | OSError)}
    assert stray <= UNUSED
