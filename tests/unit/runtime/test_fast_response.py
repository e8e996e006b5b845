"""FastResponse over real connections."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import web

from tests.support.http import HttpClient, LowLevelServer
from wxbus.runtime.fast_response import FastResponse

BODY = "好".encode()


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Answer every request."""
    await request.read()
    return FastResponse.of(BODY, "text/plain", (("Cache-Control", "no-store"),))


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """A client of a server with fast responses."""
    async with HttpClient(LowLevelServer(web.Server(answer))) as client:
        yield client


async def exchange(client: HttpClient, *requests: bytes) -> bytes:
    """Send bytes over one connection; return everything until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"".join(requests))
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_response_is_complete(client: HttpClient) -> None:
    """Length, type, date (RFC 9110, 6.6.1) and the given fields; no name of the server."""
    answered = await client.post("/", data=b"question")
    assert (answered.status, await answered.read()) == (200, BODY)
    assert answered.headers["Content-Type"] == "text/plain"
    assert answered.headers["Cache-Control"] == "no-store"
    assert parsedate_to_datetime(answered.headers["Date"]).tzinfo == UTC
    assert "Server" not in answered.headers


async def test_a_connection_is_persistent(client: HttpClient) -> None:
    """Two pipelined requests get two responses; the connection is closed when the client asks."""
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    said = await exchange(client, ask, ask.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    first, second = said.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert b"Connection" not in first
    assert b"Connection: close\r\n" in second


async def test_http_1_0_closes_by_default(client: HttpClient) -> None:
    """The response has the version of the request, and names the connection only if it stays open, as aiohttp does."""
    ask = b"GET / HTTP/1.0\r\n%b\r\n"
    head = (await exchange(client, ask % b"")).removesuffix(BODY)
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"Connection" not in head
    kept, closed = (await exchange(client, ask % b"Connection: keep-alive\r\n", ask % b"")).split(BODY)[:2]
    assert b"Connection: keep-alive\r\n" in kept
    assert b"Connection" not in closed


async def test_a_disconnected_client_is_not_an_error() -> None:
    """Nothing is logged, and the server continues."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def late(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/late":
            asked.set()
            await release.wait()
        return await answer(request)

    async with HttpClient(LowLevelServer(web.Server(late))) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(30):
            await asked.wait()
        writer.transport.abort()
        for _ in range(2):  # the server learns of the loss before the first, and writes before the second
            async with client.get("/") as answered:
                assert answered.status == 200
            release.set()
