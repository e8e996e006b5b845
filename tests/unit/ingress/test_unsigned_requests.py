"""Unsigned requests have a bounded cost and do not delay signed ones."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.support.pushes import Push, a_push, a_text
from tests.unit.ingress.conftest import Site, Sites, wire
from wxbus.runtime.log_limit import LINES, LINES_PER_SECOND
from wxbus.wechat.callbacks.crypto import VerifiedCallback
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.documents.limits import MAX_ELEMENTS
from wxbus_ingress.accounts.endpoints import Endpoint
from wxbus_ingress.http.admission import LARGE_BODY

OVERLOADED = b"not accepted: too many requests, please send it again\n"
HOSTILE = 16
SIGNED = 20
MOST_BETWEEN = 4
"""Unsigned costly bodies opened while one signed callback is answered: the event loop goes round a few times for it,
and opens one at most in each."""


def unsigned(size: int) -> Push:
    """A push with a wrong signature."""
    return a_push(a_text("x" * size), token="guessed")


def unsigned_elements(count: int) -> Push:
    """A small push of many elements, with a wrong signature."""
    return replace(unsigned(1), body=b"<xml>" + b"<a/>" * count + b"</xml>")


def kept_open(push: Push) -> bytes:
    """A request that keeps its connection open."""
    return wire(push).replace(b"Connection: close\r\n", b"")


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request, read the answer, return its status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
    return int(head[9:12])


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All bodies that were opened, in order."""
    bodies: list[bytes] = []
    original = Endpoint.open

    def noted(self: Endpoint, query: CallbackQuery, body: bytes, now: float) -> VerifiedCallback:
        bodies.append(body)
        return original(self, query, body, now)

    monkeypatch.setattr(Endpoint, "open", noted)
    return bodies


@contextmanager
def sending(site: Site, request: bytes, *, connections: int) -> Iterator[None]:
    """Send a request again and again over so many connections while the block runs."""

    async def attack() -> None:
        while True:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                reader, writer = await site.connect()
                try:
                    while True:
                        await ask(reader, writer, request)
                finally:
                    writer.close()

    tasks = [asyncio.create_task(attack()) for _ in range(connections)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize(
    "made",
    [lambda: unsigned(LARGE_BODY), lambda: unsigned(600_000), lambda: unsigned_elements(MAX_ELEMENTS - 1)],
    ids=["just large", "near the limit", "small, of many elements"],
)
async def test_a_signed_callback_does_not_wait_behind_unsigned_ones(
    sites: Sites, opened: list[bytes], made: Callable[[], Push]
) -> None:
    """While sixteen connections send costly unsigned bodies, a signed callback waits for a few of them only."""
    push, between = made(), list[int]()
    async with sites() as site:
        reader, writer = await site.connect()
        with sending(site, kept_open(push), connections=HOSTILE):
            while opened.count(push.body) < HOSTILE:  # noqa: ASYNC110 - a list cannot be awaited
                await asyncio.sleep(0)
            for number in range(SIGNED):
                before = len(opened)
                assert await ask(reader, writer, kept_open(a_push(a_text(str(number), msg_id=f"{number}")))) == 200
                between.append(opened[before:].count(push.body))
        writer.close()

    print(f"unsigned bodies opened meanwhile: {between}")
    assert max(between) <= MOST_BETWEEN


async def test_refused_callbacks_cost_a_bounded_number_of_log_lines(sites: Sites) -> None:
    """Anybody can send them; without a bound they would fill the disk, which the spool needs."""
    request, refused = kept_open(unsigned(1)), 3 * LINES
    async with sites() as site:
        reader, writer = await site.connect()
        with capture_logs() as logs:
            began = time.monotonic()
            assert {await ask(reader, writer, request) for _ in range(refused)} == {403}
            most = LINES + LINES_PER_SECOND * (time.monotonic() - began) + 1
        writer.close()

    lines = [line for line in logs if line["event"] == "callback.rejected"]
    assert LINES <= len(lines) <= most


async def test_large_bodies_never_displace_others(sites: Sites) -> None:
    """Large bodies of one address take a quarter of the limit, all of them a half."""
    push = unsigned(600_000)
    size = len(push.body)
    async with sites(total_body_limit=8 * size + 1, body_limit=2_000_000) as site:
        held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

        async def hold(address: str) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port, local_addr=(address, 0))
            writer.write(wire(push)[:-1])
            held.append((reader, writer))
            await site.until("body_bytes", size * len(held))

        async def refused(address: str) -> bool:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port, local_addr=(address, 0))
            writer.write(wire(push)[:-1])
            answer = await reader.readuntil(b"send it again\n")
            writer.close()
            return answer.endswith(OVERLOADED)

        await hold("127.0.0.1")
        await hold("127.0.0.1")
        assert await refused("127.0.0.1")
        await hold("127.0.0.2")
        await hold("127.0.0.2")
        assert await refused("127.0.0.3")
        assert (await site.send(wire(a_push()))).startswith(b"HTTP/1.1 200 ")

        for reader, writer in held:
            writer.write(push.body[-1:])
            assert (await reader.read()).startswith(b"HTTP/1.1 403 ")
            writer.close()
        assert site.metric("body_bytes") == 0
        assert (await site.send(wire(push))).startswith(b"HTTP/1.1 403 ")
