"""Malformed and excessive requests get clear answers and use bounded resources."""

import asyncio
import resource
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from tests.support.pushes import a_push, a_text
from tests.unit.ingress.conftest import Sites, wire
from wxbus.runtime.http_server import FIELD_LIMIT, FIELDS, LINE_LIMIT
from wxbus.wechat.callbacks.keys import Mode
from wxbus_ingress.http import connection
from wxbus_ingress.http.admission import OTHER_FILES, REFUSED_CONNECTIONS, limit_connections
from wxbus_ingress.http.connection import HEADER_LIMIT
from wxbus_ingress.settings import Limits

SECRET = "hunter2"
OVERLOADED = b"not accepted: too many requests, please send it again\n"


def get(*fields: str, line: str = "GET / HTTP/1.1") -> bytes:
    """Return a request without a body."""
    return "\r\n".join((line, "Host: h", *fields, "", "")).encode()


NO_REQUESTS = {
    "garbage": (SECRET.encode() + b"\r\n\r\n", 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00" + SECRET.encode() + b"\r\n\r\n", 400),
    "http 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "http 3.7": (get(line=f"GET /{SECRET} HTTP/3.7"), 400),
    "no host": (f"GET /{SECRET} HTTP/1.1\r\n\r\n".encode(), 400),
    "no colon": (get(SECRET), 400),
    "a space before the colon": (get(f"{SECRET} : x"), 400),
    "a null": (get(f"a: {SECRET}\0"), 400),
    "two lengths": (get("Content-Length: 1", f"X: {SECRET}", "Content-Length: 2") + b"ab", 400),
    "the same length twice": (get("Content-Length: 1", f"X: {SECRET}", "Content-Length: 1") + b"a", 400),
    "a length below zero": (get(f"X: {SECRET}", "Content-Length: -1"), 400),
    "an invalid length": (get(f"Content-Length: {SECRET}"), 400),
    "a length and chunks": (get("Content-Length: 1", f"X: {SECRET}", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "a bad chunk": (get("Transfer-Encoding: chunked") + SECRET.encode() + b"\r\n", 400),
    "a long line": (get(line=f"GET /{SECRET * LINE_LIMIT} HTTP/1.1"), 414),
    "a long field": (get(f"X: {SECRET * FIELD_LIMIT}"), 431),
    "a long name": (get(f"{SECRET * FIELD_LIMIT}: x"), 431),
    "many fields": (get(*(f"X{number}: {SECRET}" for number in range(FIELDS + 1))), 431),
}


@pytest.mark.parametrize("case", NO_REQUESTS)
async def test_a_malformed_request_is_refused_in_one_line(
    sites: Sites, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    """The status is clear and the connection closed; neither the answer nor the log contains bytes of the request."""
    request, expected = NO_REQUESTS[case]
    async with sites() as site:
        with capture_logs() as logs:
            answer = await site.send(request)

    head, _, text = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == expected
    assert text.count(b"\n") == 1
    assert SECRET.encode() not in answer
    assert [line["status"] for line in logs if line["event"] == "http.refused"] == [expected]
    assert SECRET not in f"{logs}{caplog.text}"
    assert "Traceback" not in caplog.text


async def test_no_answer_names_the_server(sites: Sites) -> None:
    """No answer has a `Server` header."""
    requests = [request for request, _ in NO_REQUESTS.values()]
    requests += [wire(a_push()), wire(a_push(), path="/wechat/unknown"), wire(a_push(), path="/nowhere")]
    requests += [wire(a_push(), method=method) for method in ("PUT", "OPTIONS", "HEAD", "TRACE")]
    requests += [get("Connection: close", line="GET /wechat/any HTTP/1.1")]
    async with sites() as site:
        for request in requests:
            answer = (await site.send(request)).lower()
            assert answer.startswith(b"http/1.")
            assert b"\r\nserver:" not in answer
            assert b"aiohttp" not in answer
            assert b"python" not in answer


@pytest.mark.parametrize("line", ["OPTIONS * HTTP/1.1", "CONNECT h:443 HTTP/1.1", "GET http://h/wechat/any HTTP/1.1"])
async def test_other_request_targets_are_answered(sites: Sites, line: str) -> None:
    """`*`, an authority and an absolute URL are refused or served like a path."""
    async with sites() as site:
        answer = await site.send(get("Connection: close", line=line))

    assert int(answer.split()[1]) in {200, 400, 404, 405}


@pytest.mark.parametrize("line", ["GET /wechat/any", "GET /wechat/any HTTP/1.0", "GET /wechat/any HTTP/2.0"])
async def test_other_http_versions_are_answered_in_http_1(sites: Sites, line: str) -> None:
    """A request of another or no version gets an answer in HTTP/1."""
    async with sites() as site:
        answer = await site.send(get(line=line))

    assert answer.startswith(b"HTTP/1.0 200 ")


async def test_upgrades_are_ignored(sites: Sites) -> None:
    """A request to upgrade is answered as a normal request."""
    async with sites() as site:
        fields = (
            "Connection: Upgrade, close",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: x",
            "Sec-WebSocket-Version: 13",
        )
        answer = await site.send(get(*fields, line="GET /wechat/any HTTP/1.1"))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"upgrade" not in answer.partition(b"\r\n\r\n")[0].lower()


async def test_pipelined_requests_are_answered_in_order(sites: Sites) -> None:
    """Each pipelined request has an answer, in order."""
    async with sites() as site:
        requests = [wire(a_push(a_text(str(number)))).replace(b"Connection: close\r\n", b"") for number in range(5)]
        answer = await site.send(b"".join(requests), wire(a_push(), path="/wechat/unknown"))

        assert [int(part.split()[0]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200] * 5 + [404]
        assert len(site.inbox.taken) == 5


async def test_a_malformed_chunk_is_refused(sites: Sites) -> None:
    """A malformed chunk after a valid header is refused, at the latest when the body's time is over."""
    async with sites(body_timeout=0.2) as site:
        head = get("Transfer-Encoding: chunked", line=f"POST /wechat/any?{urlencode(a_push().query)} HTTP/1.1")
        answer = await site.send(head, b"5\r\nhello\r\n", b"zz\r\n")

        assert int(answer.split()[1]) in {400, 408}
        assert site.inbox.taken == []


async def test_a_slow_header_is_refused(sites: Sites) -> None:
    """A slow header occupies its connection for a limited time, and gets an answer."""
    async with sites(body_timeout=0.2) as site:
        reader, writer = await site.connect()

        async def dribble() -> None:
            for byte in b"POST /wechat/any HTTP/1.1\r\n" * 100:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)

        dribbling = asyncio.create_task(dribble())
        answer = await reader.read()
        dribbling.cancel()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"\r\n\r\nthe header did not arrive in time\n")


async def test_a_slow_header_after_a_request_is_refused(sites: Sites) -> None:
    """The time for a header starts at its first byte, also on a connection with earlier requests."""
    async with sites(body_timeout=0.2) as site:
        reader, writer = await site.connect()
        writer.write(wire(a_push()).replace(b"Connection: close\r\n", b""))
        assert (await reader.readuntil(b"success")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"POST /wech")
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_long_header_is_refused(sites: Sites) -> None:
    """The size of the whole header is limited, not only that of a field."""
    async with sites() as site:
        field = b"X-%d: " + b"x" * (FIELD_LIMIT - 1024) + b"\r\n"
        answer = await site.send(get()[:-2], *(field % number for number in range(HEADER_LIMIT // FIELD_LIMIT + 2)))

    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep refused connections until their clients send or close."""
    monkeypatch.setattr(connection, "LINGER", 60.0)


@pytest.mark.usefixtures("_patient")
async def test_connections_over_the_limit_are_refused(sites: Sites) -> None:
    """A refused connection gets 503 and is counted; others are not affected, and a closed one frees its place."""
    async with sites(max_connections=2) as site:
        held = [await site.connect() for _ in range(2)]
        await site.until("connections", 2)
        answer = await site.send(wire(a_push()))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b"\r\n\r\nnot accepted: too many connections, please send it again\n")
        for reader, writer in held:
            writer.write(wire(a_push()))
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
        await site.until("connections", 0)

        assert (await site.send(wire(a_push()))).startswith(b"HTTP/1.1 200 ")
        assert site.metric("connections_refused_total") == 1


@pytest.mark.usefixtures("_patient")
async def test_connections_far_over_the_limit_are_closed(sites: Sites) -> None:
    """Beyond that, connections are closed at once, so they use no file descriptors."""
    async with sites(max_connections=1) as site:
        held = [await site.connect() for _ in range(1 + REFUSED_CONNECTIONS)]
        await site.until("connections_refused_total", REFUSED_CONNECTIONS)
        with pytest.raises((ConnectionError, AssertionError)):
            assert await site.send(wire(a_push()))
        for _, writer in held:
            writer.close()


async def test_all_bodies_together_are_limited(sites: Sites) -> None:
    """An announced body counts before it is read, until its request is answered; above the limit the answer is 503."""
    big = a_push(b"<xml>" + b" " * 15_000 + b"</xml>", mode=Mode.PLAIN)
    async with sites(total_body_limit=20_000) as site:
        reader, writer = await site.connect()
        request = wire(big)
        writer.write(request[:-100])
        await site.until("body_bytes", len(big.body))
        refused = await site.send(request)
        writer.write(request[-100:])
        assert (await reader.read()).split()[1] in {b"200", b"400"}
        writer.close()

        assert refused.startswith(b"HTTP/1.1 503 ")
        assert refused.endswith(OVERLOADED)
        assert site.metric("body_bytes") == 0
        assert not (await site.send(request)).startswith(b"HTTP/1.1 503 ")


async def test_a_body_counts_until_its_request_is_answered(sites: Sites) -> None:
    """Callbacks that wait for RabbitMQ count; a chunked body counts with the maximum size."""
    push = a_push(a_text("x" * 900))
    async with sites(total_body_limit=len(push.body) + 100) as site:
        site.inbox.open.clear()
        waiting = asyncio.create_task(site.send(wire(push)))
        await site.until("body_bytes", len(push.body))
        chunked = get("Transfer-Encoding: chunked", line=f"POST /wechat/any?{urlencode(push.query)} HTTP/1.1")
        assert (await site.send(wire(push))).endswith(OVERLOADED)
        reader, writer = await site.connect()
        writer.write(chunked)
        assert (await reader.readuntil(OVERLOADED)).startswith(b"HTTP/1.1 503 ")
        writer.close()
        site.inbox.open.set()

        assert (await waiting).startswith(b"HTTP/1.1 200 ")
        assert site.metric("body_bytes") == 0


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        (1024, 65_536, 2_000),
        (65_536, 65_536, 2_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 2_000),
        (1024, resource.RLIM_INFINITY, 2_000),
        (1024, 1024, 1024 - REFUSED_CONNECTIONS - OTHER_FILES),
    ],
)
def test_connections_leave_file_descriptors_for_other_uses(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, expected: int
) -> None:
    """With a low limit of open files fewer connections are accepted, so that the admin port still answers."""
    moved = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: moved[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: moved.append(both))

    assert limit_connections(Limits(max_connections=2_000)).max_connections == expected
    assert moved[-1][1] == hard
