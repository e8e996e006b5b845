"""Usual requests are served without aiohttp's server, and answered equally."""

import asyncio
import re

import pytest
from prometheus_client import CollectorRegistry

from tests.support.pushes import Push, a_push, a_text
from tests.unit.ingress.conftest import ACCOUNTS, Inbox, Sites, wire
from wxbus.runtime import http_server
from wxbus.runtime.sockets import listening_socket
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits


def requests() -> dict[str, bytes]:
    """Return one request of each kind, signed now."""
    return {
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
        for name, whole in requests().items():
            data = whole.replace(b"HTTP/1.1", version)
            answers = [await site.send(data), await site.send(data[:10], data[10:])]
            one, other = (sorted(re.sub(rb"Date: [^\r]*", b"", answer).split(b"\r\n")) for answer in answers)
            assert one == other, name
            assert answers[0].startswith(version), name
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
    monkeypatch.setattr(http_server, "KEEPALIVE", 0.3)
    async with sites() as site:
        site.inbox.open.clear()
        reader, writer = await site.connect()
        writer.write(wire(a_push()).replace(b"Connection: close\r\n", b""))
        await site.until("body_bytes", len(a_push().body))
        await asyncio.sleep(0.5)  # the time-out must pass
        site.inbox.open.set()
        assert b"HTTP/1.1 200 OK" in await reader.read()  # until the idle connection is closed
        writer.close()
