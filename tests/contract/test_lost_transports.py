"""Every adapter, against servers that accept and then reset, on both event loops: it raises its own `Unavailable`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeAlias

import pytest

from tests.support.envelopes import an_envelope
from tests.support.resetting import LOOPS, resetting, run_on
from tests.support.sizes import soak
from wxbus.api.http import WeChatHttp
from wxbus.api.request import Request
from wxbus.api.uploads import UploadFile
from wxbus.bus.amqp.connection import address, connected
from wxbus.bus.dead_letters import DeadLetters
from wxbus.bus.management import Management
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, RpcUnavailable, StoreUnavailable, Unavailable, WeChatUnavailable
from wxbus.rpc.transports.amqp_client import AmqpTransport
from wxbus.rpc.transports.http_client import HttpTransport
from wxbus.rpc.transports.port import Outgoing
from wxbus.store.lock import Lock
from wxbus.store.store import Script, Store

ROUNDS: Final = soak(10, 3)
LARGE: Final = b"x" * 900_000
"""More than socket buffers hold: it is still being written or read when the connection is reset."""
CALL: Final = Outgoing("token", "get", "application/json", LARGE)

Operation: TypeAlias = Callable[[], Awaitable[object]]
Adapter: TypeAlias = Callable[[int], AbstractAsyncContextManager[tuple[type[Unavailable], list[Operation]]]]


def a_long_answer(connection: socket.socket) -> None:
    """Greet a Redis client, and break off in the middle of a long answer."""
    connection.sendall(b"+OK\r\n" * 3 + b"$900000\r\n" + LARGE[:-100])


SERVERS: Final[dict[str, dict[str, Any]]] = {
    "reset at once": {},
    "reset after the first byte": {"hears": 1},
    "unknown protocol": {"says": b"\x01\x02 unknown\r\n\r\n"},
    "reset in an answer of Redis": {"hears": 10, "then": a_long_answer},
    "reset in an answer by HTTP": {"hears": 10, "says": b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"},
    "reset in an answer that cannot be inflated": {
        "hears": 10,
        "says": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot a zip",
    },
    "reset in the greeting of RabbitMQ": {"hears": 8, "says": b"\x01\x00\x00\x00\x00\x01\xf8\x00\x0a\x00\x0a"},
}


async def file_of(http: WeChatHttp, request: Request) -> object:
    """Return the file that answers a request."""
    return await (await http.answer(request)).file()


@asynccontextmanager
async def store(port: int) -> AsyncIterator[tuple[type[Unavailable], list[Operation]]]:
    """Redis: scripts, commands, a subscription, a lock."""
    async with Store.open(f"redis://127.0.0.1:{port}/0", answer_timeout=0.5) as opened:
        lock = Lock(opened, "lock", lease=1.0)
        yield (
            StoreUnavailable,
            [
                lambda: opened.command("SET", "key", LARGE),
                lambda: opened.run(Script("any", "return 1"), keys=["key"]),
                opened.now,
                opened.check_durability,
                lambda: anext(opened.messages("channel", silence=0.2)),
                lock.acquire,
            ],
        )


@asynccontextmanager
async def wechat(port: int) -> AsyncIterator[tuple[type[Unavailable], list[Operation]]]:
    """WeChat's API."""
    async with WeChatHttp.open(f"http://127.0.0.1:{port}", 1.0) as http:
        yield (
            WeChatUnavailable,
            [
                lambda: http.get("/a", {}),
                lambda: http.post("/b", {"text": LARGE.decode()}),
                lambda: file_of(http, Request("POST", "/c", files={"media": UploadFile("a", LARGE)})),
                lambda: file_of(http, Request("GET", "/d")),
            ],
        )


@asynccontextmanager
async def rpc(port: int) -> AsyncIterator[tuple[type[Unavailable], list[Operation]]]:
    """Calls over HTTP."""
    async with HttpTransport.open(f"http://127.0.0.1:{port}", "key") as transport:
        yield RpcUnavailable, [lambda: transport.send(CALL, timeout=1.0)]


@asynccontextmanager
async def management(port: int) -> AsyncIterator[tuple[type[Unavailable], list[Operation]]]:
    """RabbitMQ's management."""
    async with Management.open(f"http://127.0.0.1:{port}", amqp_url="amqp://broker") as opened:
        yield BrokerUnavailable, [lambda: opened.close_connections("a", reason="b")]


@asynccontextmanager
async def rabbitmq(port: int) -> AsyncIterator[tuple[type[Unavailable], list[Operation]]]:
    """RabbitMQ: a connection, a publisher that connects by itself, dead letters."""
    url = f"amqp://127.0.0.1:{port}/"

    async def connect() -> None:
        async with connected(address(url, name="test")):
            pass

    async def read() -> None:
        async with DeadLetters.open(url, Topology()):
            pass

    async with Publisher.open(url, Topology(), name="test") as publisher:
        yield (
            BrokerUnavailable,
            [connect, read, publisher.check, lambda: publisher.publish(an_envelope(1), budget=0.05)],
        )


@asynccontextmanager
async def rpc_over_rabbitmq(port: int) -> AsyncIterator[tuple[type[Unavailable], list[Operation]]]:
    """Calls over AMQP; who calls has a deadline."""
    async with AmqpTransport.open(f"amqp://127.0.0.1:{port}/", "key", topology=Topology()) as transport:

        async def call() -> None:
            try:
                async with asyncio.timeout(0.05):
                    await transport.send(CALL, timeout=1.0)
            except TimeoutError as exc:
                raise RpcUnavailable("the deadline") from exc

        yield RpcUnavailable, [call]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("adapter", [store, wechat, rpc, management, rabbitmq, rpc_over_rabbitmq])
def test_a_lost_transport_raises_unavailable(adapter: Adapter, server: str, loop: str) -> None:
    """Each error of a library for a lost transport becomes one error of wxbus."""

    async def work(port: int) -> None:
        async with adapter(port) as (expected, operations):
            for _ in range(ROUNDS):
                outcomes = await asyncio.gather(*(operation() for operation in operations), return_exceptions=True)
                assert all(isinstance(outcome, expected) for outcome in outcomes), outcomes

    with resetting(**SERVERS[server]) as port:
        run_on(loop, work(port))


@pytest.mark.parametrize("loop", LOOPS)
def test_callers_of_one_batch_share_no_error(loop: str) -> None:
    """Each caller raises its own copy: a shared one collects the frames of all tracebacks."""

    async def work(port: int) -> list[StoreUnavailable]:
        async with Store.open(f"redis://127.0.0.1:{port}/0") as opened:
            outcomes = await asyncio.gather(*(opened.now() for _ in range(20)), return_exceptions=True)
        return [outcome for outcome in outcomes if isinstance(outcome, StoreUnavailable)]

    with resetting() as port:
        errors = run_on(loop, work(port))
    assert len({id(error) for error in errors}) == 20
    assert len({_depth(error) for error in errors}) == 1


def _depth(error: BaseException) -> int:
    depth, trace = 0, error.__traceback__
    while trace is not None:
        depth, trace = depth + 1, trace.tb_next
    return depth
