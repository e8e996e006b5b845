"""What idle connections take, and a push to a group that is connected."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp

from tests.benchmarks.bench_gateway import APPID, Gateway, running
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.stores import open_store
from wxbus.messages import Bus
from wxbus.runtime.open_files import allow_open_files
from wxbus.sockets.groups import Groups
from wxbus.wechat import reply

IDLE: Final = 1_000
IDLE_FULL: Final = 20_000
"""Less, if a process may not have as many open files."""
IDLE_SECONDS: Final = 10.0
GROUP_FULL: Final = 10_000
"""Members of the group; in `make bench` all connections are."""
PUSHES: Final = 5
AT_ONCE: Final = 50
"""Connections that are opened together."""
RETRY: Final = 0.5
FIRST: Final = 1_000
"""Number of the first user."""
FILES: Final = 500
"""Open files besides the connections."""


async def measure(places: Places) -> list[Result]:
    """Return memory and CPU of idle connections, and time and memory of pushes to many of them."""
    count = min(IDLE_FULL, allow_open_files() - FILES) if places.full else IDLE
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(places))
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        store = await stack.enter_async_context(open_store(places.redis_url))
        before = gateway.service.memory_mib()
        audience = await stack.enter_async_context(_audience(gateway, http, count))
        memory = gateway.service.memory_mib() - before
        idle = await _cpu(gateway)
        members = min(count, GROUP_FULL)
        groups = Groups(store, namespace=places.namespace)
        for start in range(0, members, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, members))
            await asyncio.gather(*(groups.join(APPID, "all", _openid(number)) for number in numbers))
        bus = await stack.enter_async_context(Bus.open(places.amqp_url, topology=places.topology))
        seconds, sizes = [], []
        for number in range(PUSHES):
            began = time.perf_counter()
            audience.expect(members)
            await bus.send("mini", "timetable", reply.Push("news", {"number": number}, to_group="all"))
            await audience.all.wait()
            seconds.append(time.perf_counter() - began)
            sizes.append(gateway.service.memory_mib())
    return [
        Result.of("gateway/idle-connections", "connections", [count]),
        Result.of("gateway/idle-kib", "KiB/connection", [memory * 1024 / count]),
        Result.of("gateway/idle-cpu", "% of a core", [idle]),
        Result.of("gateway/group-members", "users", [members]),
        Result.of("gateway/push-to-group-s", "s", seconds),
        Result.of("gateway/push-to-group-growth-mib", "MiB", [sizes[-1] - sizes[0]]),
    ]


class Audience:
    """The clients: they read all the time, because a client that does not answer pings is cut off."""

    def __init__(self) -> None:
        self.all = asyncio.Event()
        """Set once as many pushes have come as were expected."""
        self._left = 0

    def expect(self, count: int) -> None:
        """Wait for so many pushes from now on."""
        self._left = count
        self.all.clear()

    async def read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Count the pushes of one client, until its connection ends."""
        async for frame in ws:
            if "name" in frame.json():
                self._left -= 1
                if self._left == 0:
                    self.all.set()


@asynccontextmanager
async def _audience(gateway: Gateway, http: aiohttp.ClientSession, count: int) -> AsyncIterator[Audience]:
    """Yield the clients of as many users, each after its greeting."""
    audience = Audience()
    url = f"http://127.0.0.1:{gateway.port}/mini/socket"

    async def opened(number: int) -> aiohttp.ClientWebSocketResponse:
        headers = {"Authorization": f"Bearer {await gateway.token(FIRST + number)}"}
        while True:
            try:
                ws = await http.ws_connect(url, headers=headers)
                await ws.receive_json()
            except (aiohttp.WSServerHandshakeError, TypeError):  # refused, or closed: Redis or RabbitMQ is behind
                await asyncio.sleep(RETRY)
            else:
                return ws

    reading: list[asyncio.Task[None]] = []
    gc.disable()  # all these clients are in this process, and each collection looks at all of them
    try:
        for start in range(0, count, AT_ONCE):
            sockets = await asyncio.gather(*map(opened, range(start, min(start + AT_ONCE, count))))
            reading += [asyncio.create_task(audience.read(ws)) for ws in sockets]
        yield audience
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        gc.enable()


async def _cpu(gateway: Gateway) -> float:
    """Return what the gateway takes while nothing happens, in percent of a core."""
    before = gateway.service.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    return (gateway.service.cpu_seconds() - before) / IDLE_SECONDS * 100


def _openid(number: int) -> str:
    return f"oBench{FIRST + number:06}"
