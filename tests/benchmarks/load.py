"""A load of prepared HTTP requests, so light that the server is what is measured."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one load saw."""

    seconds: float
    latencies: Sequence[float]
    """Seconds, one per request."""
    wrong: int
    """Answers whose status was not the expected one."""
    statuses: Counter[int] = field(default_factory=Counter)
    """How often each status came."""
    started: float = 0.0
    """By the monotonic clock."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency that `share` (0 to 1) of the requests did not exceed."""
        return percentile(self.latencies, share)


def percentile(latencies: Iterable[float], share: float) -> float:
    """Return the latency that `share` (0 to 1) of them did not exceed."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def request(path: str, body: bytes, *, host: str = "127.0.0.1", headers: Sequence[str] = ()) -> bytes:
    """Return one keep-alive POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def apply_at(port: int, requests: Sequence[bytes], *, rate: float, connections: int) -> Outcome:
    """Send the requests at `rate` a second, answered or not; a latency counts from when a request was due."""
    latencies: list[float] = []
    statuses = Counter[int]()
    started = time.monotonic()
    due = iter([(started + number / rate, payload) for number, payload in enumerate(requests)])

    async def client(connection: Client) -> None:
        for moment, payload in due:
            await asyncio.sleep(moment - time.monotonic())
            statuses[await connection.exchange(payload)] += 1
            latencies.append(time.monotonic() - moment)

    await _with_clients(port, connections, client)
    return Outcome(time.monotonic() - started, latencies, len(latencies) - statuses[200], statuses, started)


async def apply(port: int, requests: Sequence[bytes], *, connections: int, expect: int = 200) -> Outcome:
    """Send every request once over `connections` keep-alive connections, each as fast as it is answered."""
    remaining = iter(requests)
    latencies: list[float] = []
    statuses = Counter[int]()

    async def client(connection: Client) -> None:
        for payload in remaining:
            began = time.perf_counter()
            statuses[await connection.exchange(payload)] += 1
            latencies.append(time.perf_counter() - began)

    started = time.monotonic()
    await _with_clients(port, connections, client)
    return Outcome(time.monotonic() - started, latencies, len(latencies) - statuses[expect], statuses, started)


class Client(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None

    async def exchange(self, payload: bytes) -> int:
        """Send one request and return the status of its answer; raises ConnectionError if there is none."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(payload)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the exchange that waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the connection was closed"))

    def data_received(self, data: bytes) -> None:
        """Parse an answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Hand the status over."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    """Yield a connection."""
    transport, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
    try:
        yield client
    finally:
        transport.close()


async def _with_clients(port: int, connections: int, work: Callable[[Client], Awaitable[None]]) -> None:
    async def one() -> None:
        async with connected(port) as client:
            await work(client)

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())
