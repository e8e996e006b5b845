"""The HTTP adapter: invalid responses are one error, and no error contains a secret."""

import asyncio
import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import aiohttp
import pytest
from aiohttp import client_exceptions
from structlog.testing import capture_logs
from yarl import URL

from tests.support.sandbox import ACCOUNTS, EVENT_WAIT, SECRET, World
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.connection_pool import ConnectionPool
from wxbus.api.credentials import fetch_classic_token, fetch_stable_token
from wxbus.api.download import MAX_JSON
from wxbus.api.login import exchange_code
from wxbus.api.request import Request
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus.wechat import reply
from wxbus_sandbox.models import Fault

PATH = "/cgi-bin/anything"
TOKEN = "91_a-secret-token"
CODE = "a-secret-js-code"
OBJECT = b'{"errcode":0}'

LIBRARY_ERRORS = sorted(
    (
        found
        for _, found in inspect.getmembers(client_exceptions, inspect.isclass)
        if issubclass(found, Exception)
        and found.__module__ == client_exceptions.__name__
        and not found.__name__.startswith("WS")  # WebSockets are not used
    ),
    key=lambda found: found.__name__,
)


@asynccontextmanager
async def a_server(answer: bytes) -> AsyncIterator[str]:
    """Yield the URL of a server that responds with these bytes and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def an_answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a complete HTTP response."""
    head = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class RaisingSession:
    """A session whose requests raise the same error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def request(self, *_args: object, **_options: object) -> object:
        """Raise the error."""
        raise self._error


@pytest.mark.parametrize("kind", LIBRARY_ERRORS, ids=lambda kind: kind.__name__)
async def test_every_aiohttp_error_is_translated(kind: type[Exception]) -> None:
    """Every error of aiohttp becomes WeChatUnavailable without a cause, because aiohttp's errors contain URLs."""
    error = kind.__new__(kind)
    session, url = cast("aiohttp.ClientSession", RaisingSession(error)), URL("http://wechat.test")

    with pytest.raises(WeChatUnavailable) as caught:
        await WeChatHttp(session, ConnectionPool(url, None, MAX_JSON), url, 1.0).answer(Request("GET", PATH))

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        an_answer(b"<html>", "502 Bad Gateway"),
        an_answer(OBJECT, "500 Internal Server Error"),
        an_answer(OBJECT, "404 Not Found"),
        an_answer(b"not json"),
        an_answer(b"[1]"),
        an_answer(b'{"errcode":"zero"}'),
        an_answer(b"\xff\xfe"),
        an_answer(b'{"a":' * 100_000),
    ],
    ids=lambda answer: answer[:40].decode("latin-1").splitlines()[0] + f" {len(answer)}" if answer else "closed",
)
async def test_an_invalid_response_is_unavailable(answer: bytes) -> None:
    """Broken HTTP, a proxy's page and other shapes raise WeChatUnavailable, which names the call."""
    async with a_server(answer) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        with pytest.raises(WeChatUnavailable, match=PATH):
            await client.get(PATH, {"access_token": TOKEN})


async def test_a_redirect_is_not_followed() -> None:
    """A redirect would send the token to another host."""
    async with a_server(an_answer(OBJECT)) as elsewhere:
        redirect = an_answer(b"", "302 Found", f"Location: {elsewhere}/")
        async with a_server(redirect) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
            with pytest.raises(WeChatUnavailable, match="302"):
                await client.get(PATH, {"access_token": TOKEN})


async def test_the_size_of_a_response_is_limited() -> None:
    """A response above the limit raises WeChatUnavailable."""
    async with a_server(an_answer(b" " * MAX_JSON + OBJECT)) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        with pytest.raises(WeChatUnavailable, match=f"exceeds {MAX_JSON} bytes"):
            await client.get(PATH, {})


async def test_an_object_with_control_characters_is_read() -> None:
    """Unescaped control characters in nicknames are accepted."""
    async with a_server(an_answer(b'{"nickname":"a\x0bb"}')) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        assert await client.get(PATH, {}) == {"nickname": "a\x0bb"}


LIST_OF_NICKNAMES = '{"list":[{"nickname":"张三"},{"nickname":"李四|"},{"nickname":"王五"}]}'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"errcode":0,"nickname":"张三"}'.encode("gbk"), {"errcode": 0, "nickname": "张三"}),
        ('{"nickname":"诚|"}'.encode("gbk"), {"nickname": "诚|"}),
        (b'\xef\xbb\xbf{"a":"b"}', {"a": "b"}),
        ('{"nickname":"张三|"}'.encode().replace(b"|", b"\xe4\xbd"), {"nickname": "张三\ufffd"}),
        (
            LIST_OF_NICKNAMES.encode().replace(b"|", b"\xe4"),
            {"list": [{"nickname": "张三"}, {"nickname": "李四\ufffd"}, {"nickname": "王五"}]},
        ),
    ],
)
async def test_gbk_and_truncated_characters_are_read(body: bytes, found: dict[str, object]) -> None:
    """Responses in GBK and with truncated characters are accepted."""
    async with a_server(an_answer(body)) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        assert await client.get(PATH, {}) == found


@pytest.mark.parametrize(
    "body",
    [
        '{"errcode":45009,"errmsg":"超过限制"}'.encode("gbk"),
        b'{"errcode":45009,"errmsg":"\xe8\xb6\x85\xe8"}',
        b'{"errcode":45009,"errmsg":"\xff\xfe"}',
        b'{"errcode":"45009","errmsg":"x"}',
    ],
)
async def test_an_errcode_is_found_in_any_encoding(body: bytes) -> None:
    """An errcode as text, or next to an unreadable errmsg, raises WeChatError."""
    async with a_server(an_answer(body)) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        with pytest.raises(WeChatError) as caught:
            await client.get(PATH, {})
    assert caught.value.errcode == 45009


async def test_an_errcode_of_zero_may_be_text() -> None:
    """An errcode of "0" is a success; an errcode that is not a number is an invalid response."""
    async with a_server(an_answer(b'{"errcode":"0","a":1}')) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        assert await client.get(PATH, {}) == {"errcode": 0, "a": 1}
    async with a_server(an_answer(b'{"errcode":"none"}')) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        with pytest.raises(WeChatUnavailable, match="not a number"):
            await client.get(PATH, {})


async def test_an_errcode_overrides_the_status() -> None:
    """WeChat's errcode has priority over the HTTP status."""
    async with (
        a_server(an_answer(b'{"errcode":45009,"errmsg":"x"}', "429 Busy")) as url,
        WeChatHttp.open(url, EVENT_WAIT) as client,
    ):
        with pytest.raises(WeChatError) as caught:
            await client.get(PATH, {})
    assert caught.value.errcode == 45009


async def test_a_refused_connection_names_the_call(unused_tcp_port: int) -> None:
    """The error contains the call and the reason, but not the URL with the token."""
    async with WeChatHttp.open(f"http://127.0.0.1:{unused_tcp_port}", EVENT_WAIT) as client:
        with pytest.raises(WeChatUnavailable, match=rf"^{PATH}: ConnectionRefusedError"):
            await client.get(PATH, {"access_token": TOKEN})


def everything_shown(error: BaseException) -> str:
    """Return everything that a log or an error tracker shows of an error."""
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    shown.extend(everything_shown(inner) for inner in (error.__cause__, error.__context__) if inner is not None)
    return "\n".join(shown)


async def no_sleep(_seconds: float) -> None:
    """Do not wait."""


FAULTS = (
    {"errcode": 48001, "errmsg": f"api unauthorized for {TOKEN} and {SECRET} rid: 1"},
    {"errcode": 40001},
    {"errcode": -1},
    {"status": 500},
    {"disconnect": True},
    {"delay": 30},
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: next(iter(fault)))
async def test_no_error_shows_a_token(world: World, fault: dict[str, object], caplog: pytest.LogCaptureFixture) -> None:
    """No error, cause, context or log line contains the token (protocol reference 13, trap 10)."""

    class Tokens:
        async def get(self, appid: str) -> str:  # noqa: ARG002 - of the protocol
            return TOKEN

        async def report_invalid(self, appid: str, token: str) -> str:  # noqa: ARG002 - of the protocol
            return TOKEN

    path = "/cgi-bin/message/custom/send"
    await world.control.fault(Fault.model_validate({"path": path, "times": 5, **fault}))
    caplog.set_level(0)

    async with WeChatHttp.open(world.url, 0.2 if "delay" in fault else EVENT_WAIT) as client:
        with capture_logs() as logs, pytest.raises((WeChatError, WeChatUnavailable)) as caught:
            await WeChatClient("wxshop", client, Tokens(), sleep=no_sleep).send("oUser", reply.Text("x"))

    assert path in str(caught.value)
    assert TOKEN not in everything_shown(caught.value)
    assert TOKEN not in caplog.text + repr(logs)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: next(iter(fault)))
@pytest.mark.parametrize("path", ["/cgi-bin/token", "/cgi-bin/stable_token", "/sns/jscode2session"])
async def test_no_error_shows_a_secret(
    world: World, path: str, fault: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """No error or log line contains the AppSecret or a login code."""
    secret = ACCOUNTS.named("mini").secret
    assert secret is not None
    calls: dict[str, Callable[[WeChatHttp], Awaitable[object]]] = {
        "/cgi-bin/token": lambda client: fetch_classic_token(client, "wxmini", secret),
        "/cgi-bin/stable_token": lambda client: fetch_stable_token(client, "wxmini", secret),
        "/sns/jscode2session": lambda client: exchange_code(client, "wxmini", CODE, secret),
    }
    await world.control.fault(Fault.model_validate({"path": path, "times": 5, **fault}))
    caplog.set_level(0)

    async with WeChatHttp.open(world.url, 0.2 if "delay" in fault else EVENT_WAIT) as client:
        with capture_logs() as logs, pytest.raises((WeChatError, WeChatUnavailable)) as caught:
            await calls[path](client)

    shown = everything_shown(caught.value) + caplog.text + repr(logs)
    assert SECRET not in shown
    assert CODE not in shown


async def test_the_repr_of_a_token_hides_it(world: World) -> None:
    """The repr of a fetched token does not contain its value."""
    secret = ACCOUNTS.named("shop").secret
    assert secret is not None

    token = await fetch_stable_token(world.http, "wxshop", secret)

    assert token.expires_in == 7200
    assert token.value not in repr(token)


@pytest.mark.parametrize("answer", [b"{}", b'{"access_token":"t"}', b'{"access_token":"","expires_in":1}'])
async def test_an_incomplete_token_response_is_unavailable(answer: bytes) -> None:
    """A response without a token or expires_in raises WeChatUnavailable."""
    secret = ACCOUNTS.named("shop").secret
    assert secret is not None
    async with a_server(an_answer(answer)) as url, WeChatHttp.open(url, EVENT_WAIT) as client:
        with pytest.raises(WeChatUnavailable):
            await fetch_classic_token(client, "wxshop", secret)


def test_the_list_of_aiohttp_errors_is_complete() -> None:
    """The list contains known errors of aiohttp."""
    assert {aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError, aiohttp.InvalidURL} <= set(LIBRARY_ERRORS)
