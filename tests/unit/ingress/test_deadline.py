"""Every step of a request draws from one budget, which begins with the request's first byte."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from prometheus_client import CollectorRegistry

from tests.support.pushes import Push, a_push
from tests.unit.ingress.conftest import ACCOUNTS
from wxbus.bus.envelope import Envelope
from wxbus.runtime.sockets import listening_socket
from wxbus_ingress.app import build_app
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits

BUDGET = 3.0
PAUSE = 0.2


@dataclass
class NotingInbox:
    """Takes everything and notes how long it might have taken."""

    budgets: list[float] = field(default_factory=list)

    async def publish(self, envelope: Envelope, *, budget: float) -> None:  # noqa: ARG002 - the port's signature
        """Note the budget."""
        self.budgets.append(budget)


@dataclass
class Raw:
    """A connection on which a request can be sent in pieces."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    inbox: NotingInbox

    async def send(self, *pieces: bytes) -> int:
        """Send the pieces with a pause after each but the last; return the status of the answer."""
        for piece in pieces[:-1]:
            self.writer.write(piece)
            await asyncio.sleep(PAUSE)  # the server runs in this loop: it has seen the piece when we go on
        self.writer.write(pieces[-1])
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head[9:12])


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    """A connection to an ingress with a budget of `BUDGET` seconds."""
    inbox = NotingInbox()
    app = build_app(Limits(budget=BUDGET), ACCOUNTS, inbox, registry=CollectorRegistry())
    async with serving(app, listening_socket("127.0.0.1", 0), grace=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield Raw(reader, writer, inbox)
        writer.close()


def wire(push: Push, *, account: str = "any", extra: str = "") -> bytes:
    """Return a push as it goes over the wire."""
    return (
        f"POST /wechat/{account}?{urlencode(push.query)} HTTP/1.1\r\nHost: h\r\n{extra}"
        f"Content-Length: {len(push.body)}\r\n\r\n"
    ).encode() + push.body


async def test_the_budget_begins_with_the_first_byte(raw: Raw) -> None:
    """A header or a body that comes in pieces leaves less for what follows: WeChat's clock runs meanwhile."""
    request = wire(a_push())
    assert await raw.send(request[:1], request[1:40], request[40:-10], request[-10:]) == 200

    assert raw.inbox.budgets[0] <= BUDGET - 3 * PAUSE


async def test_every_request_of_a_connection_has_its_own_budget(raw: Raw) -> None:
    """What the requests before took on the same connection, and the pauses between, cost the next one nothing."""
    slow = wire(a_push())
    for _ in range(2):
        await raw.send(slow[:-10], slow[-10:])
    await asyncio.sleep(PAUSE)
    assert await raw.send(wire(a_push())) == 200

    assert raw.inbox.budgets[0] <= BUDGET - PAUSE
    assert raw.inbox.budgets[2] > BUDGET - PAUSE


async def test_a_refused_body_does_not_count_for_the_next_request(raw: Raw) -> None:
    """A request refused before its body was there closes the connection: the rest must not start another's clock."""
    refused = wire(a_push(), account="nobody")
    assert await raw.send(refused[:-10]) == 404

    assert await raw.reader.read() == b""


async def test_who_waits_to_be_told_to_send_is_told(raw: Raw) -> None:
    """`Expect: 100-continue`, which some proxies send with large bodies, is answered before the body is read."""
    request = wire(a_push(), extra="Expect: 100-continue\r\n")
    head, body = request.split(b"\r\n\r\n", 1)
    raw.writer.write(head + b"\r\n\r\n")
    assert await raw.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    assert await raw.send(body) == 200


async def test_nothing_is_left_after_the_deadline() -> None:
    """What is left never goes below zero, and no step may take more than is left."""
    now = asyncio.get_running_loop().time()
    over, fresh = Deadline(now - 10, 4.5), Deadline(now, 4.5)

    assert (over.left(), over.left(at_most=3)) == (0, 0)
    assert 3 < fresh.left() <= 4.5
    assert fresh.left(at_most=3) == 3
    assert over.used() >= 10
