"""A load of prepared HTTP requests, so light that the server is what is measured."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one load saw."""

    seconds: float
    latencies: Sequence[float]
    """Seconds, one per request."""
    wrong: int
    """Answers whose status was not the expected one."""
    statuses: Counter[int] = field(default_factory=Counter)
    """How often each status came; not counted by `apply_at`."""
    started: float = 0.0
    """By the monotonic clock; given by `apply_at`."""

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
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    mistakes = 0
    started = loop.time()
    due = iter([(started + number / rate, payload) for number, payload in enumerate(requests)])

    async def client() -> None:
        nonlocal mistakes
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for moment, payload in due:
            await asyncio.sleep(moment - loop.time())
            status = await exchange(reader, writer, payload)
            mistakes += status != 200  # after the await: others count meanwhile
            latencies.append(loop.time() - moment)
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client())
    return Outcome(loop.time() - started, latencies, mistakes, started=started)


async def apply(port: int, requests: Sequence[bytes], *, connections: int, expect: int = 200) -> Outcome:
    """Send every request once over `connections` keep-alive connections, each as fast as it is answered."""
    remaining = iter(requests)
    latencies: list[float] = []
    statuses = Counter[int]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for payload in remaining:
            started = time.perf_counter()
            statuses[await exchange(reader, writer, payload)] += 1
            latencies.append(time.perf_counter() - started)
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client())
    return Outcome(time.perf_counter() - started, latencies, len(latencies) - statuses[expect], statuses)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes) -> int:
    """Send one request and return the status of its answer."""
    writer.write(payload)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head[9:12])
