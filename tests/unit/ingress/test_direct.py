"""Usual requests are read without aiohttp's server, with the same result."""

import asyncio
import itertools
import re
from collections.abc import Iterable
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tests.support.pushes import Push, a_push, a_text
from tests.unit.ingress.conftest import ACCOUNTS, Inbox, Sites, wire
from wxbus.runtime import http_server
from wxbus.runtime.http_server import FIELD_LIMIT, FIELDS, LINE_LIMIT
from wxbus.runtime.sockets import listening_socket
from wxbus_ingress.app import build_app
from wxbus_ingress.http.direct import MAX_HEAD, read_direct
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits

LINE = "POST {} HTTP/1.1"
LINES = (
    LINE,
    "POST {} HTTP/1.0",
    "POST {} HTTP/1.2",
    "POST {}",
    "GET {} HTTP/1.1",
    "post {} HTTP/1.1",
    " POST {} HTTP/1.1",
)
TARGET = "/wechat/any?timestamp=1&nonce=2"
TARGETS = (
    *(
        TARGET,
        "/wechat/any",
        "/",
        "/wechat/p/wx1?a=b?c",
        "/wechat/any?",
        "/a?=&&b",
        "//a/b",
        "/a//b",
        "/a/../b",
        "/./a",
    ),
    *("/", "/./a"),
    *("/a?x=%20", "/%41", "/a?x=a+b", "/a#b", "/a?b#c", "*", "http://h/a", "/a b", "/a\tb", "/é", "", "?a=b", "/a;b"),
)
FIELDS_OF_REQUESTS = (
    *("Host: h", "host: other", "Content-Length: 2", "content-length: 02", "Content-Length: +2", "Content-Length: 3"),
    *("Content-Length: 2, 2", "Connection: close", "Connection: keep-alive", "connection: Keep-Alive, Upgrade"),
    *("Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    *(
        "Expect: 100-continue",
        "Content-Encoding: gzip",
        "Content-Type: text/xml",
        "X:  a b \t",
        "X:",
        "x_y: z",
        "a : c",
    ),
    *("traceparent: 00-1", "X-Forwarded-For: 1.2.3.4, ::1", "X-Forwarded-For: ::1", "a b: c", "a : c", ": c", "c"),
    *(" folded", "a: \x01", "a: \x7f", "a: é", "a:\rb", "a:\nb", "Accept: */*", f"X: {'x' * FIELD_LIMIT}"),
)
ENDS = ("\r\n", "\n", "\r")
BODIES = (b"ab", b"", b"abc")


async def read_by_aiohttp(data: bytes) -> tuple[Any, bytes] | None:
    """Return the message and its body; None if it is refused, or if there is not exactly one whole request."""
    parser = HttpRequestParser(
        Mock(_reading_paused=False),
        asyncio.get_running_loop(),
        2**16,
        max_line_size=LINE_LIMIT,
        max_field_size=FIELD_LIMIT,
        max_headers=FIELDS,
        auto_decompress=False,
    )
    try:
        messages, _, tail = parser.feed_data(data)
    except HttpProcessingError:
        return None
    if len(messages) != 1 or tail or not messages[0][1].is_eof():
        return None
    message, payload = messages[0]
    return message, payload.read_nowait()


async def compare(line: str, target: str, fields: Iterable[str], end: str, body: bytes) -> None:
    """Assert that a request is read as aiohttp reads it, or left."""
    data = end.join((line.format(target), *fields, "", "")).encode() + body
    found = read_direct(data)
    if found is None:
        return
    read = await read_by_aiohttp(data)
    assert read is not None, data
    message, expected_body = read
    request = web.BaseRequest(message, Mock(), Mock(), Mock(), Mock(), asyncio.get_running_loop())
    assert (found.method, found.path, found.version) == (request.method, request.path, request.version)
    assert (found.raw_query, found.headers) == (request.rel_url.raw_query_string, request.headers)
    assert dict(found.query) == {name: request.query[name] for name in request.query}
    assert (found.keep_alive, found.arrived()) == (not message.should_close, expected_body)


async def test_it_reads_what_aiohttp_reads() -> None:
    """Whatever is read is a whole request for aiohttp, too, with the same method, path, query, fields and body."""
    usual = ("Host: h", "Content-Length: 2")
    for line in LINES:
        for target in TARGETS:
            await compare(line, target, usual, "\r\n", b"ab")
        for field in FIELDS_OF_REQUESTS:
            for others in (usual, usual[:1], usual[1:], ()):
                await compare(line, TARGET, (*others, field), "\r\n", b"ab")
        for end, body in itertools.product(ENDS, BODIES):
            await compare(line, TARGET, usual, end, body)


@given(*map(st.sampled_from, (LINES, TARGETS)), st.lists(st.sampled_from(FIELDS_OF_REQUESTS), max_size=4))
async def test_it_reads_what_aiohttp_reads_of_any_mixture(line: str, target: str, fields: list[str]) -> None:
    """The same for several unusual parts at once."""
    await compare(line, target, ("Host: h", "Content-Length: 2", *fields), "\r\n", b"ab")


def test_usual_requests_are_read() -> None:
    """As WeChat sends them, as common proxies pass them on, and as HTTP/1.0; what is not whole or unusual is left."""
    push = a_push()
    usual = [
        wire(push),
        wire(push, "User-Agent: Mozilla/4.0", "Accept: */*", "Pragma: no-cache", "Content-Type: text/xml"),
    ]
    usual.append(wire(push, "X-Real-IP: 101.226.103.0", "X-Forwarded-For: 101.226.103.0", "X-Forwarded-Proto: https"))
    usual.append(wire(push).replace(b"HTTP/1.1", b"HTTP/1.0"))
    for data in usual:
        assert read_direct(data) is not None, data
        assert read_direct(data[:-1]) is None
        assert read_direct(data + b"P") is None
    for field in ("Expect: 100-continue", "Transfer-Encoding: chunked", "Host: other", f"X: {'x' * MAX_HEAD}"):
        assert read_direct(wire(push, field)) is None


REQUESTS = {
    "accepted": wire(a_push()),
    "forged": wire(a_push().but(msg_signature="0" * 40)),
    "unknown account": wire(a_push(), path="/wechat/unknown"),
    "nowhere": wire(a_push(), path="/nowhere"),
    "not a message": wire(a_push(b"<xml>")),
    "too long": wire(a_push(b"x" * 5_000)),
    "repeated in the query": wire(a_push()).replace(b"?", b"?nonce=1&", 1),
}


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_both_ways_answer_equally(sites: Sites, version: bytes) -> None:
    """A request that comes in one piece gets the bytes that one in two pieces gets, apart from the date."""
    async with sites(body_limit=4_000) as site:
        for name, whole in REQUESTS.items():
            data = whole.replace(b"HTTP/1.1", version)
            answers = [await site.send(data), await site.send(data[:10], data[10:])]
            one, other = (sorted(re.sub(rb"Date: [^\r]*", b"", answer).split(b"\r\n")) for answer in answers)
            assert one == other, name
            assert answers[0].startswith(b"HTTP/1."), name
    assert len(site.inbox.taken) == 2


async def test_requests_of_a_connection_are_answered_in_their_order(sites: Sites) -> None:
    """Whatever comes behind a request waits for its response: usual requests, others, parts of requests."""
    texts = [f"text {number}" for number in range(6)]
    pushes = [wire(a_push(a_text(one))).replace(b"Connection: close\r\n", b"") for one in texts[:-1]] + [
        wire(a_push(a_text(texts[-1])))
    ]
    chunked = b"".join((b"POST /nowhere HTTP/1.1\r\nHost: h\r\n", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
    async with sites() as site:
        site.inbox.open.clear()
        reader, writer = await site.connect()
        writer.write(pushes[0])
        await site.until("body_bytes", len(a_push(a_text(texts[0])).body))
        for part in (chunked, pushes[1][:40], pushes[1][40:] + pushes[2], pushes[3], pushes[4], pushes[5]):
            writer.write(part)
            await site.send(wire(a_push(), path="/nowhere"))  # until that is answered, the part was read
        assert len(site.inbox.taken) == 0
        site.inbox.open.set()
        answers = await reader.read()
        writer.close()

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"404"] + [b"200"] * 5
    assert [text for text in texts for one in site.inbox.taken if text.encode() in one.body] == texts


async def test_a_body_is_not_taken_for_a_request(sites: Sites) -> None:
    """The second piece of a request may look like a whole request."""
    inner = wire(a_push())
    head = wire(Push({}, inner)).removesuffix(inner)
    async with sites() as site:
        reader, writer = await site.connect()
        writer.write(head)
        await site.until("body_bytes", len(inner))
        writer.write(inner)
        answer = await reader.read()
        writer.close()

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"403"]
    assert not site.inbox.taken


async def test_a_lost_connection_does_not_lose_the_callback() -> None:
    """The callback is published although nobody reads the response, and the stop waits for it."""
    inbox, registry, stopping = Inbox(), CollectorRegistry(), asyncio.Event()
    server = build_app(Limits(), ACCOUNTS, inbox, registry=registry)
    async with serving(server, listening_socket("127.0.0.1", 0), grace=20) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(wire(a_push()))
        while not server.direct_requests:  # noqa: ASYNC110 - it cannot be awaited
            await asyncio.sleep(0)
        writer.transport.abort()
        while server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        [request] = server.direct_requests
        request.add_done_callback(lambda _: stopping.set())
        asyncio.get_running_loop().call_later(0.5, inbox.open.set)  # after the server is closed
    assert stopping.is_set()
    assert len(inbox.taken) == 1


async def test_a_request_in_progress_is_not_idle(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out of idle connections starts after the response."""
    monkeypatch.setattr(http_server, "KEEPALIVE", 0.05)
    async with sites() as site:
        site.inbox.open.clear()
        reader, writer = await site.connect()
        writer.write(wire(a_push()).replace(b"Connection: close\r\n", b""))
        await site.until("body_bytes", len(a_push().body))
        await asyncio.sleep(0.15)  # the time-out must pass
        site.inbox.open.set()
        assert b"HTTP/1.1 200 OK" in await reader.read()  # until the idle connection is closed
        writer.close()
