"""Malformed requests on both kinds of server."""

import asyncio

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.http_server import FIELDS, LINE_LIMIT, Server

SECRET = "hunter2"
REQUESTS = {
    "no http": (f"{SECRET}\r\n\r\n", 400),
    "tls": (f"\x16\x03\x01{SECRET}\r\n\r\n", 400),
    "no colon": (f"GET / HTTP/1.1\r\nHost: h\r\n{SECRET}\r\n\r\n", 400),
    "a long line": (f"GET /{SECRET * LINE_LIMIT} HTTP/1.1\r\nHost: h\r\n\r\n", 414),
    "a transfer coding": (f"POST / HTTP/1.1\r\nHost: h\r\nX: {SECRET}\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    "a transfer coding and chunks": (
        f"POST / HTTP/1.1\r\nHost: h\r\nX: {SECRET}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "many fields": (f"GET / HTTP/1.1\r\nHost: h\r\n{f'X: {SECRET}{chr(13)}{chr(10)}' * FIELDS}\r\n", 431),
}


def low_level() -> Server:
    """A server like those of RPC and ingress."""

    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response(text="hello")

    return Server(answer)


@pytest.fixture(params=["application", "low-level"])
def served(request: pytest.FixtureRequest) -> str:
    """The two kinds of server."""
    kind: str = request.param
    return kind


async def exchange(served: str, request: bytes) -> bytes:
    """Send bytes; return everything received."""
    app = build_admin({}) if served == "application" else low_level()
    async with listening(app, host="127.0.0.1", port=0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
    return answer


@pytest.mark.parametrize("case", REQUESTS)
async def test_a_malformed_request_is_not_repeated(served: str, caplog: pytest.LogCaptureFixture, case: str) -> None:
    """It gets a status and one log line; its bytes, which may hold a token, are in neither."""
    request, expected = REQUESTS[case]
    with capture_logs() as logs:
        answer = await exchange(served, request.encode("latin-1"))

    head, _, text = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == expected
    assert text.count(b"\n") == 1
    assert SECRET.encode() not in answer
    assert [line["status"] for line in logs if line["event"] == "http.refused"] == [expected]
    assert SECRET not in f"{logs}{caplog.text}"
    assert "Traceback" not in caplog.text


async def test_responses_do_not_name_the_server(served: str) -> None:
    """Neither its name nor its version."""
    answer = await exchange(served, b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nserver:" not in answer.lower()
    assert b"aiohttp" not in answer.lower()


GARBAGE = b"\x00\x16garbage\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"], ids=["alone", "pipelined"])
async def test_bytes_after_the_last_request_are_ignored(served: str, before: bytes) -> None:
    """A request that closes its connection is answered, with any bytes after it in the same packet."""
    answer = await exchange(served, before + LAST + GARBAGE)

    assert answer.count(b"HTTP/1.1 200 ") == 1 + bool(before)
    assert b"HTTP/1.0 400" not in answer


async def test_bytes_after_other_requests_are_refused(served: str) -> None:
    """On a persistent connection all requests are answered before malformed bytes are refused."""
    answer = await exchange(served, LAST.replace(b"Connection: close\r\n", b"") * 3 + GARBAGE)

    assert (answer.count(b"HTTP/1.1 200 "), answer.count(b" 400 ")) == (3, 1)


async def test_log_lines_of_malformed_requests_are_limited() -> None:
    """The next line has the number of the unlogged ones."""
    server = low_level()
    with capture_logs() as logs:
        for _ in range(1000):
            server.log_refusal(400, "BadHttpMessage", "192.0.2.1")
    assert len(logs) < 100
