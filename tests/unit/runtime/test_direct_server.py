"""A server that reads usual requests itself."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web
from structlog.testing import capture_logs

from tests.support.certificates import CertificateAuthority
from tests.support.polling import until_read
from wxbus.runtime.admin import listening
from wxbus.runtime.direct_request import AnyRequest, DirectRequest
from wxbus.runtime.direct_server import DirectServer

KEPT = b"POST /some?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
LAST = KEPT.replace(b"Host: h", b"Host: h\r\nConnection: close")


class Handler:
    """Answers with the path, after `go` is set; notes the requests."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.go = asyncio.Event()
        self.requests: list[AnyRequest] = []

    async def __call__(self, request: AnyRequest) -> web.Response:
        """Answer."""
        self.requests.append(request)
        self.began.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return web.Response(text=request.path)


async def exchange(port: int, *parts: bytes) -> bytes:
    """Send bytes; return everything that arrives until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_failed_handler_is_a_500() -> None:
    """The client gets no detail, the log has the traceback, and the connection is closed, as aiohttp does."""

    async def fail(request: AnyRequest) -> web.StreamResponse:
        raise ValueError(f"hunter2 {request.path}")

    with capture_logs() as logs:
        async with listening(DirectServer(fail), host="127.0.0.1", port=0) as port:
            answer = await exchange(port, KEPT)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"hunter2" not in answer
    assert [line["event"] for line in logs] == ["http.failed"]


async def test_a_lost_connection_cancels_the_handler() -> None:
    """If the server wants that: nobody reads the answer of a call."""
    handler = Handler()
    async with listening(DirectServer(handler, handler_cancellation=True), host="127.0.0.1", port=0) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(KEPT)
        await handler.began.wait()
        writer.transport.abort()
        await handler.cancelled.wait()
    assert isinstance(handler.requests[0], DirectRequest)


async def test_a_stop_waits_for_a_request_and_closes_the_connection() -> None:
    """A request in progress is answered; the connection is then closed."""
    handler = Handler()
    async with listening(DirectServer(handler), host="127.0.0.1", port=0, grace=20) as port:
        answering = asyncio.create_task(exchange(port, KEPT))
        await handler.began.wait()
        asyncio.get_running_loop().call_later(0.1, handler.go.set)
    assert (await answering).endswith(b"/some")


async def test_a_stop_cancels_what_takes_longer_than_its_grace() -> None:
    """No request outlives the server."""
    handler = Handler()
    async with listening(DirectServer(handler), host="127.0.0.1", port=0, grace=0.05) as port:
        answering = asyncio.create_task(exchange(port, KEPT))
        await handler.began.wait()
    assert handler.cancelled.is_set()
    assert await answering == b""


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("secure", [False, True])
def test_it_serves_on_every_transport(secure: bool, loop: Callable[[], Any], tmp_path: Path) -> None:
    """Plain and TLS, with asyncio and uvloop: requests of a connection, the second one in pieces."""
    pair = CertificateAuthority(tmp_path).issue("CN=localhost", name="server")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if secure else None
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem")) if secure else None
    if tls is not None and trusted is not None:
        tls.load_cert_chain(pair.cert, pair.key)
        trusted.check_hostname = False

    async def run() -> None:
        handler = Handler()
        handler.go.set()
        async with listening(DirectServer(handler), host="127.0.0.1", port=0, tls=tls) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
            for parts in ((KEPT,), (KEPT[:20], KEPT[20:])):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await until_read()  # so that the parts do not arrive together
                assert (await reader.readuntil(b"/some")).startswith(b"HTTP/1.1 200 OK")
            writer.write(LAST)
            assert b"Connection: close" in await reader.read()
            writer.close()
        assert [type(one) is DirectRequest for one in handler.requests] == [True, False, False]

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(run(), 20))
