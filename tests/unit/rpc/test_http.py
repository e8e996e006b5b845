"""The HTTP transport with all stages."""

import asyncio
import gzip
import json
import re
from typing import Any

import msgpack
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from tests.support.http import HttpClient, LowLevelServer
from tests.support.polling import until_read
from tests.support.rpc import SECRET_TEXT, Echo, Keys
from wxbus.rpc import Server, method, service
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.codec.formats import standard_formats
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.service.audit import Audit
from wxbus.rpc.service.call import Answer, Call
from wxbus.rpc.service.rate_limit import RateLimit
from wxbus.rpc.transports.http import build_http

SAY = "/rpc/echo/say"
GOOD = b'{"appid": "wx1"}'
GZIPPED = gzip.compress(GOOD, mtime=0)


async def problem(answer: Any, status: int) -> dict[str, Any]:
    """Return the problem document of an answer, checked against RFC 9457."""
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = json.loads(await answer.read())
    assert document["status"] == status
    assert document["type"]
    assert document["title"]
    return document


def bearer(key: str) -> dict[str, str]:
    """Return the header with the key."""
    return {"Authorization": f"Bearer {key}"}


async def test_a_call_is_answered(http: HttpClient, keys: Keys) -> None:
    """The method sees the caller; the answer must not be cached."""
    answer = await http.post(SAY, json={"appid": "wx1", "times": 2}, headers=bearer(keys.full))
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert await answer.json() == {"text": "wx1wx1", "caller": "full"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic d3g6eA=="},
        bearer("wxb_000000000000_" + "A" * 43),
        bearer("short"),
        bearer("\xff\xfe"),
    ],
)
async def test_an_invalid_key_is_401(http: HttpClient, echo: Echo, headers: dict[str, str]) -> None:
    """401 names the authentication scheme; nothing is called or read."""
    answer = await http.post(SAY, data=b"not even json", headers=headers)
    await problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="wxbus"')
    assert not echo.calls


async def test_a_changed_key_is_invalid(http: HttpClient, keys: Keys) -> None:
    """The public prefix is not enough."""
    wrong = keys.full[:-1] + ("A" if keys.full[-1] != "A" else "B")
    await problem(await http.post(SAY, json={"appid": "wx1"}, headers=bearer(wrong)), 401)


async def test_a_missing_scope_is_403(http: HttpClient, echo: Echo, keys: Keys) -> None:
    """The method's scope is checked before the body is read, the resource's scope after that."""
    document = await problem(await http.post(SAY, data=b"{", headers=bearer(keys.other)), 403)
    assert "echo:say:{appid}" in document["detail"]
    await problem(await http.post(SAY, json={"appid": "wx2"}, headers=bearer(keys.one)), 403)
    await problem(await http.post(SAY, json={"appid": "*"}, headers=bearer(keys.one)), 403)
    assert not echo.calls
    assert (await http.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.one))).status == 200


@pytest.mark.parametrize(
    "path", ["/rpc/echo/unmarked", "/rpc/echo/__init__", "/rpc/echo/calls", "/rpc/none/say", "/rpc/echo", "/", "/rpc/"]
)
async def test_undeclared_methods_do_not_exist(http: HttpClient, keys: Keys, path: str) -> None:
    """A method without a mark is like a missing one, for every key."""
    await problem(await http.post(path, json={"appid": "wx1"}, headers=bearer(keys.full)), 404)


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_post_is_allowed(http: HttpClient, keys: Keys, verb: str) -> None:
    """A token is never part of a URL that a cache stores."""
    answer = await http.request(verb, SAY, headers=bearer(keys.full))
    await problem(answer, 405)
    assert answer.headers["Allow"] == "POST"


async def test_a_large_body_is_413(http: HttpClient, keys: Keys) -> None:
    """The limit is for declared lengths, for chunks and for the decompressed size."""

    async def chunks() -> Any:
        for _ in range(30):
            yield b"x" * 100

    headers = bearer(keys.full) | {"Content-Type": "application/json"}
    await problem(await http.post(SAY, data=b"x" * 3000, headers=headers), 413)
    await problem(await http.post(SAY, data=chunks(), headers=headers), 413)
    bomb = gzip.compress(b" " * 1_000_000)
    await problem(await http.post(SAY, data=bomb, headers=headers | {"Content-Encoding": "gzip"}), 413)


async def test_100_continue_is_sent_only_to_authorised_callers(http: HttpClient, keys: Keys) -> None:
    """`Expect: 100-continue` (RFC 9110, 10.1.1): the others are refused before they send the body."""
    head = f"POST {SAY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(GOOD)}\r\n"
    for key, first in ((keys.full, b"HTTP/1.1 100 Continue"), ("wxb_0", b"HTTP/1.1 401 Unauthorized")):
        reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
        writer.write(f"{head}Authorization: Bearer {key}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert (await reader.readline()).strip() == first
        if first.endswith(b"Continue"):
            assert await reader.readline() == b"\r\n"
            writer.write(GOOD)
            assert (await reader.readline()).strip() == b"HTTP/1.1 200 OK"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("read_timeout", [0.2])
async def test_a_slow_body_is_408(http: HttpClient, echo: Echo, keys: Keys) -> None:
    """A slow caller does not occupy the service."""
    never = asyncio.Event()

    async def slow() -> Any:
        yield b"{"
        await never.wait()

    headers = bearer(keys.full) | {"Content-Type": "application/json"}
    await problem(await http.post(SAY, data=slow(), headers=headers), 408)
    assert not echo.calls


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonx", ""])
async def test_an_unknown_content_type_is_415(http: HttpClient, keys: Keys, content_type: str) -> None:
    """The answer names the known ones."""
    answer = await http.post(SAY, data=b"{}", headers=bearer(keys.full) | {"Content-Type": content_type})
    assert "application/json" in (await problem(answer, 415))["detail"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("application/json;q=0.1, application/msgpack", "application/vnd.msgpack"),
        ("Application/XML; charset=utf-8", "application/xml"),
        ("text/*", "application/xml"),
        ("*/*;q=0.5, application/json;q=0", "application/x-www-form-urlencoded"),
        ("application/json;q=high", "application/json"),
        (", ,application/json", "application/json"),
        ("image/png", None),
        ("*/*;q=0", None),
        ("application/json;q=0.000", None),
        ("text/plain;q=1, application/xml;q=0", None),
    ],
)
async def test_the_answer_has_the_accepted_format(
    http: HttpClient, echo: Echo, keys: Keys, accept: str, content_type: str | None
) -> None:
    """The best common format, JSON among equals; 406 without calling the method if there is none."""
    answer = await http.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.full) | {"Accept": accept})
    if content_type is None:
        assert "application/json" in (await problem(answer, 406))["detail"]
        assert not echo.calls
    else:
        assert (answer.status, answer.content_type) == (200, content_type)


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", GZIPPED, 200),
        ("GZIP", GZIPPED, 200),
        ("identity", GOOD, 200),
        ("gzip", b"not gzip", 400),
        ("gzip", GZIPPED[:-9], 400),
        ("br", GOOD, 415),
        ("deflate", GOOD, 415),
        ("gzip, gzip", gzip.compress(GZIPPED, mtime=0), 415),
    ],
    ids=["gzip", "in capitals", "none", "not gzip", "cut off", "brotli", "deflate", "twice"],
)
async def test_a_body_may_be_gzip(http: HttpClient, keys: Keys, coding: str, body: bytes, status: int) -> None:
    """A malformed gzip is 400, another encoding 415."""
    headers = bearer(keys.full) | {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await http.post(SAY, data=body, headers=headers)
    assert answer.status == status
    if status != 200:
        await problem(answer, status)


async def test_a_truncated_or_malformed_body_is_400(http: HttpClient, echo: Echo, keys: Keys) -> None:
    """It is logged as an error of the caller."""
    head = f"POST {SAY} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {keys.full}\r\nContent-Type: application/json\r\n"
    with structlog.testing.capture_logs() as logs:
        for rest in ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Content-Length: 100\r\n\r\n{"):
            reader, writer = await asyncio.open_connection(http.host, http.port)
            writer.write(head.encode())
            writer.write(rest.encode())
            writer.write_eof()
            await reader.read()
            writer.close()
            await writer.wait_closed()
    assert {entry["status"] for entry in logs if entry["event"] == "rpc.call"} <= {400, 499}
    assert not any(entry["event"] == "rpc.failed" for entry in logs)
    assert not echo.calls


@pytest.mark.parametrize(
    ("accept", "times", "coding"),
    [("gzip", 1000, "gzip"), ("br, *", 1000, "gzip"), ("gzip;q=0", 1000, None), ("br", 1000, None), ("gzip", 1, None)],
)
async def test_a_long_answer_is_compressed_on_request(
    http: HttpClient, keys: Keys, accept: str, times: int, coding: str | None
) -> None:
    """A short answer, like a token, is never compressed."""
    headers = bearer(keys.full) | {"Accept-Encoding": accept}
    answer = await http.post(SAY, json={"appid": "wx1", "times": times}, headers=headers)
    assert answer.headers.get("Content-Encoding") == coding
    assert (await answer.json())["text"] == "wx1" * times


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 1500, 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"appid": 5}', 422),
        (b'{"appid": {"a": "hunter2-hunter2"}}', 422),
    ],
)
async def test_an_invalid_body_is_400_or_422(http: HttpClient, keys: Keys, body: bytes, status: int) -> None:
    """400 for malformed JSON, 422 for an invalid request; the answer never repeats the body."""
    answer = await http.post(SAY, data=body, headers=bearer(keys.full) | {"Content-Type": "application/json"})
    document = await problem(answer, status)
    assert SECRET_TEXT not in json.dumps(document)
    if status == 422:
        assert all(error["message"] for error in document["errors"])


async def test_unknown_fields_are_ignored_with_a_warning(http: HttpClient, keys: Keys) -> None:
    """A newer client works with an older server; the log has the fields without values; other errors are 422."""
    with structlog.testing.capture_logs() as logs:
        for body in (b'{"appid": "wx1", "more": "hunter2-hunter2"}', b'{"more": 1}'):
            answer = await http.post(SAY, data=body, headers=bearer(keys.full) | {"Content-Type": "application/json"})
            if b"appid" in body:
                assert (await answer.json())["text"] == "wx1"
            else:
                assert [error["field"] for error in (await problem(answer, 422))["errors"]] == ["appid"]
    (warning,) = [entry for entry in logs if entry["event"] == "rpc.fields_ignored"]
    assert (warning["fields"], warning["principal"], warning["log_level"]) == (["more"], "full", "warning")
    assert SECRET_TEXT not in str(logs)


async def test_a_call_is_cancelled_when_the_caller_disconnects(http: HttpClient, echo: Echo, keys: Keys) -> None:
    """As over AMQP; the audit log has the call."""
    echo.gate.clear()
    headers = bearer(keys.full) | {"Content-Type": "application/json"}
    with structlog.testing.capture_logs() as logs:
        calling = asyncio.create_task(http.post(SAY, data=GOOD, headers=headers))
        await echo.called.wait()
        calling.cancel()
        await echo.ended.wait()
        assert echo.running == 0
        assert (await http.post("/rpc/echo/none", headers=headers)).status == 404
    assert [entry["status"] for entry in logs if entry["event"] == "rpc.call"] == [499, 404]


async def test_406_is_checked_before_the_method_runs(keys: Keys) -> None:
    """A format that does not support the answer has no effect."""
    ran = []

    class Tree(BaseModel):
        branches: list["Tree"] = []

    @service("trees")
    class Trees:
        @method(Tree, scopes=["echo:say:all"])
        async def grow(self, request: Tree) -> Tree:
            ran.append(request)
            return request

    server = Server([Trees()], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())
    async with HttpClient(LowLevelServer(build_http(server))) as client:
        headers = bearer(keys.full) | {"Accept": "application/x-www-form-urlencoded"}
        await problem(await client.post("/rpc/trees/grow", json={}, headers=headers), 406)
    assert not ran


async def test_the_branch_of_an_error_decides_the_status(
    http: HttpClient, echo: Echo, keys: Keys, failing: tuple[Exception, int, str | None]
) -> None:
    """An unexpected error is 500 without details."""
    echo.error, status, retry_after = failing
    answer = await http.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.full))
    document = await problem(answer, status)
    assert answer.headers.get("Retry-After") == retry_after
    if status == 500:
        assert document.keys() == {"type", "title", "status"}


async def test_too_many_calls_are_429(keys: Keys) -> None:
    """Calls over the limit get status 429 with a `Retry-After` in whole seconds."""
    limit = RateLimit(0.4, burst=1, clock=lambda: 0.0)
    server = Server([Echo()], access=ApiKeyAccess(ApiKeys.of(keys.entries), limit=limit), registry=CollectorRegistry())
    async with HttpClient(LowLevelServer(build_http(server))) as client:
        assert (await client.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.full))).status == 200
        answer = await client.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.full))
        await problem(answer, 429)
        assert answer.headers["Retry-After"] == "3"


async def test_the_audit_log_has_every_call_and_no_secret(http: HttpClient, keys: Keys) -> None:
    """It has caller, method, account and status; never the key or the body."""
    with structlog.testing.capture_logs() as logs:
        await http.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.one))
        await http.post(SAY, json={"appid": "wx2"}, headers=bearer(keys.one))
        await http.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.one + SECRET_TEXT))
        await http.post("/rpc/made/up", headers=bearer(keys.one))
    noted = [(entry["principal"], entry["resource"], entry["status"]) for entry in logs if entry["event"] == "rpc.call"]
    assert noted == [("one", ["wx1"], 200), ("one", ["wx2"], 403), (None, None, 401), (None, None, 404)]
    assert not any(secret in str(logs) for secret in (keys.one, keys.one.rpartition("_")[2], SECRET_TEXT))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: f"<xml>{text}</xml>".encode("utf-8", "surrogatepass"))
    | st.dictionaries(st.text(max_size=9), st.text(max_size=9)).map(msgpack.packb),
    content_type=st.sampled_from(
        [name for known in standard_formats() for name in known.content_types] + ["text/json"]
    ),
)
def test_no_body_causes_an_internal_error(keys: Keys, body: bytes, content_type: str) -> None:
    """Every body is answered with 200 or 4xx."""

    async def read() -> bytes:
        return body

    server = Server([Echo()], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())
    answer = asyncio.run(server.answer(Call("echo", "say", content_type, keys.full, read)))
    assert answer.status == 200 or 400 <= answer.status < 500


async def test_a_malformed_request_is_not_repeated(http: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """Its bytes, which may hold a key, are neither in the answer nor in the log."""
    reader, writer = await asyncio.open_connection(http.server.host, http.server.port)
    writer.write(b"POST /rpc/echo/say HTTP/1.1\r\nHost: h\r\nAuthorization Bearer hunter2\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.0 400 ")
    assert answer.endswith(b"\r\n\r\nnot an HTTP request\n")
    assert b"server:" not in answer.lower()
    assert "hunter2" not in caplog.text


async def test_unlogged_methods_are_logged_when_refused(echo: Echo, keys: Keys) -> None:
    """Their successful calls are only counted."""
    registry = CollectorRegistry()
    server = Server([echo], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=registry, unlogged=["echo.say"])
    async with HttpClient(LowLevelServer(build_http(server))) as client:
        with structlog.testing.capture_logs() as logs:
            for key, appid in ((keys.full, "wx2"), (keys.one, "wx2")):
                await client.post("/rpc/echo/say", json={"appid": appid}, headers={"Authorization": f"Bearer {key}"})
    assert [entry["status"] for entry in logs if entry["event"] == "rpc.call"] == [403]
    counted = {"service": "echo", "method": "say", "status": "200"}
    assert registry.get_sample_value("wxbus_rpc_calls_total", counted) == 1


async def test_invalid_keys_are_limited_by_address(http: HttpClient, keys: Keys) -> None:
    """After sixty an address gets 429; valid keys from there still work."""
    statuses = [(await http.post(SAY, json={"appid": "wx1"}, headers=bearer("wxb_0"))).status for _ in range(100)]
    assert statuses[:60] == [401] * 60
    assert 429 in statuses[60:]
    assert (await http.post(SAY, json={"appid": "wx1"}, headers=bearer(keys.full))).status == 200


async def test_log_lines_of_refused_calls_are_limited() -> None:
    """Further ones are counted, and the next line has their number; each caller has its own limit."""
    now = 0.0
    registry = CollectorRegistry()
    audit = Audit(registry, clock=lambda: now)

    async def unread() -> bytes:
        return b""

    def refused(principal: Principal | None) -> Call:
        return Call("echo", "say", "", None, unread, principal=principal)

    with structlog.testing.capture_logs() as logs:
        for _ in range(1000):
            audit(refused(None), Answer(401, "", b""), 0.0)
        audit(refused(Principal("one", ())), Answer(403, "", b""), 0.0)
        now = 1.0
        audit(refused(None), Answer(404, "", b""), 0.0)
    assert [entry["status"] for entry in logs] == [401] * 50 + [403, 404]
    assert logs[-1]["unlogged_refusals"] == 950
    assert registry.get_sample_value("wxbus_rpc_refusals_unlogged_total") == 950


async def test_calls_that_arrive_in_pieces_are_answered_equally(http: HttpClient, keys: Keys) -> None:
    """Usual calls are read in front of aiohttp's server; the answers have the same bytes, apart from the date."""
    cases = {
        "good": (SAY, GOOD, keys.full),
        "no key": (SAY, GOOD, ""),
        "not JSON": (SAY, b"{", keys.full),
        "unknown method": ("/rpc/echo/other", GOOD, keys.full),
        "unknown path": ("/other", GOOD, keys.full),
        "too long": (SAY, json.dumps({"appid": "x" * 2_000}).encode(), keys.full),
    }
    for name, (path, body, key) in cases.items():
        fields = (f"POST {path} HTTP/1.1", "Host: h", "Content-Type: application/json", f"Content-Length: {len(body)}")
        head = "\r\n".join((*fields, f"Authorization: Bearer {key}", "Connection: close", "", "")).encode()
        answers = []
        for parts in ((head + body,), (head[:9], head[9:], body)):
            reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
            for part in parts:
                writer.write(part)
                await writer.drain()
                await until_read()  # so that the parts do not arrive together
            answer = re.sub(rb"Date: [^\r]*\r\n", b"", await reader.read())
            head_of_answer, _, body_of_answer = answer.partition(b"\r\n\r\n")
            answers.append((sorted(head_of_answer.split(b"\r\n")), re.sub(rb'"instance":"[^"]*"', b"", body_of_answer)))
            writer.close()
        assert answers[0] == answers[1], name
