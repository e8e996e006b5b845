"""Usual requests are read without aiohttp's server, with the same result."""

import asyncio
import itertools
from collections.abc import Iterable
from typing import Any
from unittest.mock import Mock

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from wxbus.runtime.direct_request import MAX_HEAD, DirectRequest, read_direct
from wxbus.runtime.http_server import FIELD_LIMIT, FIELDS, LINE_LIMIT

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
    found = read_direct(data, DirectRequest)
    if found is None:
        return
    read = await read_by_aiohttp(data)
    assert read is not None, data
    message, expected_body = read
    request = web.BaseRequest(message, Mock(), Mock(), Mock(), Mock(), asyncio.get_running_loop())
    assert (found.method, found.path, found.version) == (request.method, request.path, request.version)
    assert (found.raw_query, found.headers) == (request.rel_url.raw_query_string, CIMultiDict(request.headers))
    assert dict(found.query) == {name: request.query[name] for name in request.query}
    assert (found.keep_alive, found.body) == (not message.should_close, expected_body)


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
    head = (LINE.format(TARGET), "Host: h", "Content-Length: 2", "User-Agent: Mozilla/4.0", "Content-Type: text/xml")
    forwarded = ("X-Real-IP: 101.226.103.0", "X-Forwarded-For: 101.226.103.0", "Connection: close", "Pragma: no-cache")

    def whole(*fields: str) -> bytes:
        return "\r\n".join((*head, *fields, "", "ab")).encode()

    for data in (whole(), whole(*forwarded), whole().replace(b"HTTP/1.1", b"HTTP/1.0")):
        assert read_direct(data, DirectRequest) is not None, data
        assert read_direct(data[:-1], DirectRequest) is None
        assert read_direct(data + b"P", DirectRequest) is None
    for field in ("Expect: 100-continue", "Transfer-Encoding: chunked", "Host: other", f"X: {'x' * MAX_HEAD}"):
        assert read_direct(whole(field), DirectRequest) is None
