"""Every step of a request draws from one budget, which starts at the first byte."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from prometheus_client import CollectorRegistry

from tests.support.polling import until_read
from tests.support.pushes import Push, a_push
from tests.unit.ingress.conftest import ACCOUNTS
from wxbus.bus.envelope import Envelope
from wxbus.runtime.sockets import listening_socket
from wxbus_ingress.app import build_app
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits

BUDGET = 30.0
"""Seconds that no test uses up."""
PAUSE = 0.2


@dataclass
class RecordingInbox:
    """Accepts every envelope and records its budget."""

    budgets: list[float] = field(default_factory=list)

    async def publish(self, envelope: Envelope, *, budget: float) -> None:  # noqa: ARG002 - the port's signature
        """Record the budget."""
        self.budgets.append(budget)


@dataclass
class RawConnection:
    """A connection for sending a request in pieces."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    inbox: RecordingInbox

    async def send(self, *pieces: bytes) -> int:
        """Send the pieces with pauses between them; return the status of the answer."""
        for piece in pieces[:-1]:
            self.writer.write(piece)
            await until_read()  # the pause follows the moment at which the server has read the piece
            await asyncio.sleep(PAUSE)
        self.writer.write(pieces[-1])
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head[9:12])


@pytest.fixture
async def connection() -> AsyncIterator[RawConnection]:
    """A connection to an ingress with a budget of `BUDGET` seconds."""
    inbox = RecordingInbox()
    app = build_app(Limits(budget=BUDGET, body_timeout=BUDGET), ACCOUNTS, inbox, registry=CollectorRegistry())
    async with serving(app, listening_socket("127.0.0.1", 0), grace=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield RawConnection(reader, writer, inbox)
        writer.close()


def wire(push: Push, *, account: str = "any", extra: str = "") -> bytes:
    """Return a push as bytes of HTTP."""
    return (
        f"POST /wechat/{account}?{urlencode(push.query)} HTTP/1.1\r\nHost: h\r\n{extra}"
        f"Content-Length: {len(push.body)}\r\n\r\n"
    ).encode() + push.body


async def test_the_budget_starts_at_the_first_byte(connection: RawConnection) -> None:
    """A header or body that arrives in pieces leaves less time for the next steps."""
    request = wire(a_push())
    assert await connection.send(request[:1], request[1:40], request[40:-10], request[-10:]) == 200

    assert connection.inbox.budgets[0] <= BUDGET - 3 * PAUSE


async def test_every_request_of_a_connection_has_a_new_budget(connection: RawConnection) -> None:
    """Earlier requests of the connection, and pauses between them, do not reduce the budget."""
    slow = wire(a_push())
    for _ in range(2):
        await connection.send(slow[:-10], slow[-10:])
    await asyncio.sleep(PAUSE)
    clock = asyncio.get_running_loop().time
    sent = clock()
    assert await connection.send(wire(a_push())) == 200

    assert connection.inbox.budgets[0] <= BUDGET - PAUSE
    assert connection.inbox.budgets[2] > BUDGET - (clock() - sent)


async def test_a_refused_body_does_not_count_for_the_next_request(connection: RawConnection) -> None:
    """A request refused before the end of its body closes the connection: the rest starts no other request."""
    refused = wire(a_push(), account="unknown")
    assert await connection.send(refused[:-10]) == 404

    assert await connection.reader.read() == b""


async def test_expect_continue_is_answered(connection: RawConnection) -> None:
    """`Expect: 100-continue`, which some proxies send with large bodies, is answered before the body is read."""
    request = wire(a_push(), extra="Expect: 100-continue\r\n")
    head, body = request.split(b"\r\n\r\n", 1)
    connection.writer.write(head + b"\r\n\r\n")
    assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    assert await connection.send(body) == 200


async def test_nothing_is_left_after_the_deadline() -> None:
    """The time left is never negative, and a step never gets more than that."""
    now = asyncio.get_running_loop().time()
    over, fresh = Deadline(now - 10, 4.5), Deadline(now, 4.5)

    assert (over.left(), over.left(at_most=3)) == (0, 0)
    assert 3 < fresh.left() <= 4.5
    assert fresh.left(at_most=3) == 3
    assert over.used() >= 10
