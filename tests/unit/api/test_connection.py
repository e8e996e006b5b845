"""JSON calls over connections of our own: kept alive, encrypted, cut off, slow, compressed, on both event loops."""

import asyncio
import gzip
import itertools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.support.certificates import CertificateAuthority
from tests.support.resetting import LOOPS, run_on
from tests.support.sandbox import EVENT_WAIT
from wxbus.api import WeChatHttp, connection_pool
from wxbus.api.connection import MAX_HEAD
from wxbus.api.download import MAX_JSON
from wxbus.api.request import Request
from wxbus.errors import WeChatUnavailable, WeChatUnreachable

PATH: Final = "/cgi-bin/anything"
OK: Final = b'{"errcode":0}'

Act: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What the peer does with one request; the connection stays open unless it closes it."""


def an_answer(body: bytes, *fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """Return an HTTP response with a Content-Length."""
    head = (f"HTTP/{version} {status}", f"Content-Length: {len(body)}", *fields)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def says(*parts: bytes, close: bool = False) -> Act:
    """Write the parts, each received on its own."""

    async def act(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if close and writer.can_write_eof():
            writer.write_eof()  # and the client closes the connection
        elif close:
            writer.close()

    return act


async def silent(_writer: asyncio.StreamWriter) -> None:
    """Write nothing."""


@dataclass
class Peer:
    """A server that acts on each request in turn, on the last one for ever."""

    acts: list[Act]
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    serving: list[tuple["asyncio.Task[None] | None", asyncio.StreamWriter]] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has closed a connection."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        self.connections += 1
        self.serving.append((asyncio.current_task(), writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, found, rest = head.partition(b"Content-Length: ")
                self.requests.append(head + await reader.readexactly(int(rest.split(b"\r\n")[0]) if found else 0))
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                await act(writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.closed.set()
        finally:
            writer.close()


@asynccontextmanager
async def a_peer(*acts: Act, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Yield a peer."""
    peer = Peer(list(acts))
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    peer.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
        for task, writer in peer.serving:
            writer.close()
            if task is not None:
                await task


@asynccontextmanager
async def calling(*acts: Act, timeout: float = EVENT_WAIT) -> AsyncIterator[tuple[WeChatHttp, Peer]]:
    """Yield a client of a peer."""
    async with a_peer(*acts) as peer, WeChatHttp.open(peer.url, timeout) as http:
        yield http, peer


CHUNKS: Final = (b"5\r\n" + OK[:5] + b"\r\n8\r\n", OK[5:] + b"\r\n0\r\n\r\n")
INTERIM: Final = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

GOOD: Final = {
    "in single bytes": says(*(bytes([byte]) for byte in an_answer(OK))),
    "chunked": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *CHUNKS),
    "after interim answers": says(INTERIM + an_answer(OK)),
    "gzip": says(an_answer(gzip.compress(OK), "content-encoding: GZIP")),
    "100 KB": says(an_answer(b'{"errcode":0,"list":"' + b"x" * 100_000 + b'"}')),
    "until the end of the connection": says(b"HTTP/1.1 200 OK\r\n\r\n" + OK, close=True),
    "HTTP/1.0": says(an_answer(OK, version="1.0"), close=True),
}

BAD: Final = {
    "cut off in the head": (says(an_answer(OK)[:20], close=True), "closed before the answer was complete"),
    "cut off in the body": (says(an_answer(OK)[:-3], close=True), "closed before the answer was complete"),
    "cut off in a chunk": (
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n" + OK, close=True),
        "closed before the answer was complete",
    ),
    "closed at once": (says(close=True), "closed before the answer was complete"),
    "not HTTP": (says(b"SSH-2.0-OpenSSH\r\n"), "HttpParserError"),
    "two lengths": (says(an_answer(OK, "Content-Length: 1")), "HttpParserError"),
    "another protocol": (
        says(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
        "HttpParserUpgrade",
    ),
    "an endless head": (says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2 * MAX_HEAD), f"header exceeds {MAX_HEAD} bytes"),
    "an endless body": (
        says(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_JSON + 1)),
        f"response exceeds {MAX_JSON} bytes",
    ),
    "a gzip bomb": (
        says(an_answer(gzip.compress(b" " * (MAX_JSON + 1)), "Content-Encoding: gzip")),
        f"response exceeds {MAX_JSON} bytes",
    ),
    "not gzip": (says(an_answer(OK, "Content-Encoding: gzip")), "not gzip"),
    "gzip cut off": (says(an_answer(gzip.compress(OK)[:-4], "Content-Encoding: gzip")), "gzip body is cut off"),
    "another coding": (says(an_answer(OK, "Content-Encoding: br")), "unknown content coding"),
    "a redirect": (says(an_answer(b"", "Location: http://127.0.0.1:1/", status="302 Found")), "HTTP 302"),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_answers_in_every_form_of_http(loop: str) -> None:
    """The answer is the same however it is framed, split and compressed."""

    async def work() -> None:
        for name, act in GOOD.items():
            async with calling(act) as (http, peer):
                for _ in range(2):
                    assert (await http.post(PATH, {}))["errcode"] == 0, name
                assert peer.connections == (2 if name in ("until the end of the connection", "HTTP/1.0") else 1), name

    run_on(loop, work())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_broken_answer_is_unavailable(loop: str) -> None:
    """It raises WeChatUnavailable with a reason, closes the connection and is not asked for again."""

    async def work() -> None:
        for name, (act, reason) in BAD.items():
            async with calling(act) as (http, peer):
                with pytest.raises(WeChatUnavailable, match=f"^{PATH}: .*{reason}") as caught:
                    await http.get(PATH, {"secret": "s3cret"})
                assert not isinstance(caught.value, WeChatUnreachable), name
                assert caught.value.__context__ is None, name
                assert len(peer.requests) == 1, name

    run_on(loop, work())


@pytest.mark.parametrize("loop", LOOPS)
def test_what_is_written(loop: str) -> None:
    """The request has the encoded query, the host, and the body with its length and type."""

    async def work() -> list[bytes]:
        async with calling(says(an_answer(OK))) as (http, peer):
            await http.post(PATH, {"text": "你好"}, {"access_token": "a+b/=&", "n": "中"})
            await http.get(PATH, {})
            host = peer.url.removeprefix("http://").encode()
            return [request.replace(host, b"HOST") for request in peer.requests]

    body = '{"text": "你好"}'.encode()
    common = b" HTTP/1.1\r\nHost: HOST\r\nUser-Agent: wxbus\r\nAccept-Encoding: gzip\r\n"
    kind = b"Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert run_on(loop, work()) == [
        b"POST /cgi-bin/anything?access_token=a%2Bb%2F%3D%26&n=%E4%B8%AD" + common + kind + body,
        b"GET /cgi-bin/anything" + common + b"\r\n",
    ]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_kept(loop: str) -> None:
    """Calls one after another share a connection; calls at once have their own, none the answer of another."""

    async def work() -> None:
        numbers = itertools.count()

        async def count(writer: asyncio.StreamWriter) -> None:
            writer.write(an_answer(b'{"number":%d}' % next(numbers)))

        async with calling(count) as (http, peer):
            assert [(await http.post(PATH, {}))["number"] for _ in range(5)] == [0, 1, 2, 3, 4]
            assert peer.connections == 1
            found = await asyncio.gather(*(http.post(PATH, {}) for _ in range(4)))
            assert sorted(one["number"] for one in found) == [5, 6, 7, 8]
            assert peer.connections == 4

    run_on(loop, work())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "act",
    {
        "Connection: close": says(an_answer(OK, "Connection: close")),
        "closed after the answer": says(an_answer(OK), close=True),
        "an answer without a request": says(an_answer(OK) + an_answer(b'{"errcode":40001}')),
    }.values(),
)
def test_a_connection_that_the_peer_has_closed_is_not_used_again(act: Act, loop: str) -> None:
    """A connection that ends between two calls, or has an answer too many, costs no call."""

    async def work() -> None:
        async with calling(act, says(an_answer(OK))) as (http, peer):
            await http.post(PATH, {})
            async with asyncio.timeout(30):
                await peer.closed.wait()
            assert await http.post(PATH, {}) == {"errcode": 0}
            assert peer.connections == 2

    run_on(loop, work())


async def test_an_old_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time limit the peer may be about to close it."""
    monkeypatch.setattr(connection_pool, "KEEPALIVE", 0.0)
    async with calling(says(an_answer(OK))) as (http, peer):
        await http.post(PATH, {})
        await http.post(PATH, {})
        assert peer.connections == 2


@pytest.mark.parametrize("loop", LOOPS)
def test_slow_answers_end_at_the_deadline(loop: str) -> None:
    """Single bytes do not prolong it; the connection is closed, so that a late answer meets nobody."""

    async def dripping(writer: asyncio.StreamWriter) -> None:
        for byte in an_answer(OK, "X: " + "a" * 1000):
            if writer.is_closing():
                raise ConnectionResetError
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)

    async def work() -> None:
        for act in (silent, dripping):
            async with calling(says(an_answer(OK)), act, says(an_answer(OK))) as (http, peer):
                await http.post(PATH, {})  # connects, in its own time
                with pytest.raises(WeChatUnavailable, match="no response in time"):
                    await http.json(Request("POST", PATH), deadline=1.0)
                assert await http.post(PATH, {}) == {"errcode": 0}
                assert peer.connections == 2

    run_on(loop, work())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_cancelled_call_closes_its_connection(loop: str) -> None:
    """The answer that may still come is nobody's."""

    async def work() -> None:
        heard = asyncio.Event()

        async def hear(_writer: asyncio.StreamWriter) -> None:
            heard.set()

        async with calling(hear, says(an_answer(OK))) as (http, peer):
            call = asyncio.create_task(http.post(PATH, {}))
            await heard.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await peer.closed.wait()
            assert await http.post(PATH, {}) == {"errcode": 0}
            assert peer.connections == 2

    run_on(loop, work())


async def test_no_connection_is_unreachable(monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    """Without a connection nothing was sent: a message may be sent again."""
    async with WeChatHttp.open(f"http://127.0.0.1:{unused_tcp_port}", EVENT_WAIT) as http:
        with pytest.raises(WeChatUnreachable, match=f"^{PATH}: ConnectionRefusedError"):
            await http.post(PATH, {})
    async with WeChatHttp.open("http://unknown.invalid", EVENT_WAIT) as http:
        with pytest.raises(WeChatUnreachable, match=f"^{PATH}: gaierror"):
            await http.post(PATH, {})
    monkeypatch.setattr(connection_pool, "MAX_CONNECTIONS", 1)
    heard = asyncio.Event()

    async def hear(_writer: asyncio.StreamWriter) -> None:
        heard.set()

    async with calling(hear) as (http, _):
        unanswered = asyncio.create_task(http.post(PATH, {}))
        await heard.wait()
        with pytest.raises(WeChatUnreachable, match="all 1 connections are in use"):
            await http.json(Request("POST", PATH), deadline=0.1)
        unanswered.cancel()


@pytest.mark.parametrize("loop", LOOPS)
def test_calls_wait_for_a_connection(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More calls at once than connections are answered one after another."""
    monkeypatch.setattr(connection_pool, "MAX_CONNECTIONS", 2)

    async def work() -> None:
        async with calling(says(an_answer(OK))) as (http, peer):
            await asyncio.gather(*(http.post(PATH, {}) for _ in range(20)))
            assert peer.connections == 2
            assert len(peer.requests) == 20

    run_on(loop, work())


@pytest.mark.parametrize("loop", LOOPS)
def test_tls(loop: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Calls and downloads are encrypted, over kept connections; a certificate of an unknown authority is refused."""
    authority, stranger = CertificateAuthority(tmp_path), CertificateAuthority(tmp_path, "stranger")
    contexts: list[ssl.SSLContext] = []
    for issuer in (authority, stranger):
        pair = issuer.issue("CN=api", name=f"api-{len(contexts)}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        contexts.append(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.cert))
    large = an_answer(b'{"list":"' + b"x" * 100_000 + b'"}')
    cut = says(an_answer(OK)[:-3], close=True)

    async def work() -> None:
        async with (
            a_peer(says(an_answer(OK)), says(large), cut, says(an_answer(OK)), tls=contexts[0]) as peer,
            WeChatHttp.open(peer.url, EVENT_WAIT) as http,
        ):
            assert await http.post(PATH, {"text": "x" * 100_000}) == {"errcode": 0}
            assert len((await http.get(PATH, {}))["list"]) == 100_000
            with pytest.raises(WeChatUnavailable, match="closed before the answer was complete"):
                await http.get(PATH, {})
            assert peer.connections == 1
            assert await http.get(PATH, {}) == {"errcode": 0}
        async with a_peer(says(an_answer(OK)), tls=contexts[1]) as peer, WeChatHttp.open(peer.url, EVENT_WAIT) as http:
            with pytest.raises(WeChatUnreachable, match=f"^{PATH}: SSLCertVerificationError"):
                await http.post(PATH, {})
            assert peer.requests == []

    run_on(loop, work())
