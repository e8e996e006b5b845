"""Answers written in one piece, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.support.http import LowLevelServer
from wxbus.runtime.fast_response import FastResponse

BODY = "好".encode()


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Answer everything alike."""
    await request.read()
    return FastResponse.of(BODY, "text/plain", (("Cache-Control", "no-store"),))


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    """A client of a server that gives such answers."""
    async with TestClient(LowLevelServer(web.Server(answer))) as client:
        yield client


async def exchange(client: TestClient, *requests: bytes) -> bytes:
    """Send bytes over one connection and return everything up to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"".join(requests))
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_it_is_a_whole_http_answer(client: TestClient) -> None:
    """Length in bytes, type, date (RFC 9110, 6.6.1) and our own fields; no word about our software."""
    answered = await client.post("/", data=b"question")
    assert (answered.status, await answered.read()) == (200, BODY)
    assert answered.headers["Content-Type"] == "text/plain"
    assert answered.headers["Cache-Control"] == "no-store"
    assert parsedate_to_datetime(answered.headers["Date"])
    assert "Server" not in answered.headers


async def test_a_connection_is_used_again(client: TestClient) -> None:
    """Two requests at once over one connection get two answers, and it is closed when the client says so."""
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    said = await exchange(client, ask, ask.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    first, second = said.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert b"Connection" not in first
    assert b"Connection: close\r\n" in second


@pytest.mark.parametrize(
    ("asked", "told"), [(b"", b"Connection: close\r\n"), (b"Connection: keep-alive\r\n", b"Connection: keep-alive\r\n")]
)
async def test_http_1_0_is_told_whether_the_connection_stays(client: TestClient, asked: bytes, told: bytes) -> None:
    """Its default is to close; ours is to stay only if it asked."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET / HTTP/1.0\r\n" + asked + b"\r\n")
    said = await reader.readuntil(BODY)
    writer.close()
    await writer.wait_closed()
    assert told in said


async def test_nobody_there_any_more_is_no_error() -> None:
    """A client that goes away before the answer leaves no trace, and the server goes on."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def late(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/late":
            asked.set()
            await release.wait()
        return await answer(request)

    async with TestClient(LowLevelServer(web.Server(late))) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            await asked.wait()
        writer.transport.abort()
        for _ in range(2):  # the server learns of the loss before the first, and writes before the second
            async with client.get("/") as answered:
                assert answered.status == 200
            release.set()
