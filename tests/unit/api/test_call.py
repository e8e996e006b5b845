"""`WeChatClient.call` with a server over real HTTP: any endpoint, one set of rules."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel

from tests.support.api_server import (
    INVALID,
    PATH,
    PNG,
    a_client,
    body,
    never,
    reset,
    status,
)
from tests.support.clock import advanced_loop
from tests.support.sandbox import EVENT_WAIT
from wxbus.api.calls import DELAYS, NOT_DONE, Repeat
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile
from wxbus.errcodes import ERROR_CODES, Branch
from wxbus.errors import (
    NotPermitted,
    QuotaExceeded,
    RateLimited,
    ServerBusy,
    TokenInvalid,
    WeChatError,
    WeChatUnavailable,
)


class Ticket(BaseModel):
    """A typed answer."""

    ticket: str
    expire_seconds: int


async def test_a_call_has_token_query_and_raw_utf8() -> None:
    """The token joins the query; JSON is raw UTF-8; the answer is the JSON object."""
    async with a_client(body(b'{"errcode":0,"id":7}')) as (client, server):
        assert await client.call("POST", PATH, params={"page": 2}, json={"name": "你好"}) == {"errcode": 0, "id": 7}

    query = {"page": "2", "access_token": "token-of-wxshop-0"}
    assert server.requests == [("POST", PATH, query, '{"name": "你好"}'.encode())]


async def test_a_post_without_json_sends_an_empty_object() -> None:
    """WeChat refuses an empty body (44002)."""
    async with a_client(body(b"{}")) as (client, server):
        await client.call("POST", PATH)
    assert server.requests[0][3] == b"{}"


async def test_a_call_without_a_token() -> None:
    """`token=False` asks for no token, reports none, and adds none."""
    async with a_client(body(INVALID)) as (client, server):
        with pytest.raises(TokenInvalid):
            await client.call("GET", PATH, params={"code": "1"}, token=False)
    assert server.requests[0][2] == {"code": "1"}
    assert server.reports == []


async def test_a_typed_answer() -> None:
    """`answer=Model` returns the model; unknown fields are ignored, numbers may be text."""
    async with a_client(body(b'{"ticket":"t","expire_seconds":"60","new":1}')) as (client, _):
        assert await client.call("POST", PATH, answer=Ticket) == Ticket(ticket="t", expire_seconds=60)


async def test_an_answer_that_does_not_fit_names_the_field_only() -> None:
    """The error names the field, not the values, and the call is not repeated: WeChat has done it."""
    async with a_client(body(b'{"ticket":["a-secret"]}')) as (client, server):
        with pytest.raises(WeChatUnavailable, match=r"invalid answer: ticket: .*expire_seconds") as caught:
            await client.call("POST", PATH, answer=Ticket, repeat=Repeat.READ)
    assert "a-secret" not in str(caught.value)
    assert caught.value.__context__ is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", [{}, {"answer": bytes}, {"answer": File}, {"stream": True}], ids=str)
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "image/jpeg", "application/json; encoding=utf-8"]
)
@pytest.mark.parametrize("repeat", Repeat)
async def test_an_invalid_token_is_reported_once_and_the_call_repeated(
    how: dict[str, Any], content_type: str, repeat: Repeat
) -> None:
    """Whatever the content type, the kind of answer and `repeat`: a rejected token proves that nothing was done."""
    good = body(PNG, "image/png") if how else body(b'{"a":1}')
    async with a_client(body(INVALID, content_type), good) as (client, server):
        await client.call("POST", PATH, repeat=repeat, **how)
    assert server.reports == ["token-of-wxshop-0"]
    assert [query["access_token"] for _, _, query, _ in server.requests] == ["token-of-wxshop-0", "token-of-wxshop-1"]


async def test_a_token_that_is_rejected_again_is_raised() -> None:
    """There is one report and one repeat for a call."""
    async with a_client(body(INVALID)) as (client, server):
        with pytest.raises(TokenInvalid):
            await client.call("GET", PATH, repeat=Repeat.READ)
    assert (len(server.reports), len(server.requests)) == (1, 2)


UNKNOWN_OUTCOMES = {
    "busy": body(b'{"errcode":-1,"errmsg":"system busy"}'),
    "busy as text": body(b'{"errcode":"-1"}', "text/plain"),
    "5xx": status(502),
    "reset": reset,
    "empty": body(b""),
}


@pytest.mark.parametrize("failure", UNKNOWN_OUTCOMES.values(), ids=UNKNOWN_OUTCOMES)
async def test_a_read_is_repeated(failure: Callable[[web.Request], Any]) -> None:
    """A failure that may pass is repeated after a delay, within limits."""
    async with a_client(failure, body(b'{"a":1}')) as (client, server):
        assert await client.call("GET", PATH, repeat=Repeat.READ) == {"a": 1}
        assert len(server.sleeps) == 1
    async with a_client(failure) as (client, server):
        with pytest.raises((ServerBusy, WeChatUnavailable)):
            await client.call("GET", PATH, repeat=Repeat.READ)
        assert len(server.sleeps) == len(DELAYS[Repeat.READ])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("repeat", [Repeat.SEND, Repeat.NEVER])
@pytest.mark.parametrize("failure", UNKNOWN_OUTCOMES.values(), ids=UNKNOWN_OUTCOMES)
async def test_a_send_is_not_repeated_if_wechat_may_have_taken_it(
    failure: Callable[[web.Request], Any], repeat: Repeat, method: str
) -> None:
    """Only a read is repeated after an unknown outcome. HTTP libraries repeat a GET by themselves."""
    async with a_client(failure) as (client, server):
        with pytest.raises((ServerBusy, WeChatUnavailable)):
            await client.call(method, PATH, repeat=repeat)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("repeat", "calls"), [(Repeat.READ, 2), (Repeat.SEND, 2), (Repeat.NEVER, 1)])
async def test_a_refusal_for_concurrency_is_repeated(repeat: Repeat, calls: int) -> None:
    """43108 says that the message was not sent; NEVER repeats nothing."""
    async with a_client(body(b'{"errcode":43108}'), body(b"{}")) as (client, server):
        try:
            await client.call("POST", PATH, repeat=repeat)
        except ServerBusy:
            assert repeat is Repeat.NEVER
    assert len(server.requests) == calls


async def test_no_system_error_repeats_a_send() -> None:
    """WeChat, or a carrier behind it, may have done the call before it failed: only a refusal is repeated."""
    for code in ERROR_CODES.values():
        if code.branch is Branch.SERVER_BUSY and code.code not in NOT_DONE:
            async with a_client(body(b'{"errcode":%d}' % code.code), body(b"{}")) as (client, server):
                with pytest.raises(ServerBusy):
                    await client.call("POST", PATH, repeat=Repeat.SEND)
                assert len(server.requests) == 1, code


async def test_a_gzip_answer_is_read() -> None:
    """Compressed answers are read, also an error."""
    error = gzip.compress(b'{"errcode":45009,"errmsg":"reach max api daily quota limit"}')
    async with a_client(body(error, Content_Encoding="gzip")) as (client, _):
        with pytest.raises(QuotaExceeded):
            await client.call("GET", PATH)


async def test_a_broken_gzip_answer_is_unavailable() -> None:
    """An answer that cannot be decompressed, or ends too early, is no answer."""
    whole = gzip.compress(b'{"errcode":0,"list":[%s]}' % b",".join(b"%d" % number for number in range(500)))
    for broken in (b"not gzip", b"", whole[:-200], whole[:20], whole[:-8] + bytes(8)):
        async with a_client(body(broken, Content_Encoding="gzip")) as (client, _):
            with pytest.raises(WeChatUnavailable, match=PATH):
                await client.call("GET", PATH)


async def test_an_errmsg_in_gbk_is_read() -> None:
    """The errcode decides, and the text is readable."""
    async with a_client(body('{"errcode":45011,"errmsg":"调用太频繁"}'.encode("gbk"), "text/plain")) as (client, _):
        with pytest.raises(RateLimited, match="调用太频繁"):
            await client.call("GET", PATH)


@pytest.mark.parametrize("errcode", [0, 45065, 45081])
async def test_done_before_is_a_success(errcode: int) -> None:
    """45065 (this clientmsgid was sent before) has the id of the first message."""
    async with a_client(body(b'{"errcode":%d,"msg_id":9007199254740993}' % errcode)) as (client, _):
        assert (await client.call("POST", PATH))["msg_id"] == 9007199254740993


async def test_the_errmsg_shows_no_secret() -> None:
    """WeChat may repeat token and parameters in its text."""

    def echo(request: web.Request) -> web.Response:
        return web.json_response({"errcode": 48001, "errmsg": f"no {request.query_string}"})

    async with a_client(echo) as (client, _):
        with pytest.raises(NotPermitted) as caught:
            await client.call("GET", PATH, params={"secret": "s3cr3t"})
    assert "token-of-wxshop" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


async def test_a_slow_answer_ends_at_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a deadline an attempt has the client's timeout."""
    clock = advanced_loop(monkeypatch)

    async def hang(request: web.Request) -> web.StreamResponse:
        clock.ahead += EVENT_WAIT
        return await never(request)

    async with a_client(hang, timeout=EVENT_WAIT) as (client, server):
        with pytest.raises(WeChatUnavailable, match=PATH):
            await client.call("GET", PATH)
        assert len(server.requests) == 1


async def test_a_deadline_limits_the_call_with_its_repeats() -> None:
    """The deadline ends a call that would be repeated, and is not shortened by the client's timeout."""

    async def late(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return web.json_response({"a": 1})

    async with a_client(never) as (client, _):
        with pytest.raises(WeChatUnavailable, match=r"in 0\.05 s|in time"):
            await client.call("GET", PATH, repeat=Repeat.READ, deadline=0.05)
    async with a_client(late, timeout=0.05) as (client, _):
        assert await client.call("GET", PATH, deadline=30) == {"a": 1}


@pytest.mark.parametrize(
    ("method", "path", "options", "text"),
    [
        ("POST", "https://api.weixin.qq.com/cgi-bin/menu/get?access_token=t0k", {}, "not a full URL"),
        ("POST", "//evil.test/cgi-bin/menu/get", {}, "not a full URL"),
        ("POST", "cgi-bin/menu/get", {}, "must start with a slash"),
        ("POST", "/cgi-bin/menu/get?access_token=t0k", {}, "use params"),
        ("POST", "/cgi-bin/../menu", {}, "characters"),
        ("POST", "/cgi-bin/menu get\r\n", {}, "characters"),
        ("post", PATH, {}, 'method must be "GET" or "POST"'),
        ("DELETE", PATH, {}, "method must be"),
        ("GET", PATH, {"json": {}}, "a GET request has no body"),
        ("POST", PATH, {"json": {}, "files": {"media": UploadFile("a", b"")}}, "exclude each other"),
        ("POST", PATH, {"files": {"media": "text"}}, "no UploadFile"),
        ("POST", PATH, {"params": {"flag": True}}, r"params\['flag'\]"),
        ("POST", PATH, {"json": {"a": object()}}, "not JSON serializable"),
        ("POST", PATH, {"answer": bytes, "stream": True}, "exclude each other"),
    ],
)
async def test_arguments_are_checked_before_the_network(
    method: str, path: str, options: dict[str, Any], text: str
) -> None:
    """The error names the argument and shows no query; neither a token nor a request is spent."""
    async with a_client(body(b"{}")) as (client, server):
        with pytest.raises((ValueError, TypeError), match=text) as caught:
            await client.call(method, path, **options)
    assert "t0k" not in str(caught.value)
    assert server.requests == []


async def test_an_unknown_errcode_has_no_branch() -> None:
    """The base class is raised, so that no reaction is guessed."""
    async with a_client(body(b'{"errcode":123456,"errmsg":"new"}')) as (client, _):
        with pytest.raises(WeChatError) as caught:
            await client.call("GET", PATH)
    assert type(caught.value) is WeChatError
