"""Stacks under measurement: a worker and a web view before it, with a stand-in for WeChat of their own.

The job of each worker: an accepted callback comes in; the user's context is read, changed and written, the message's id
is remembered, and a customer-service message goes out.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from tests.benchmarks.callbacks import ACCOUNTS, APPID
from tests.benchmarks.places import Places
from tests.support.processes import Service, serving
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.publisher import Publisher
from wxbus.telemetry import new_traceparent
from wxbus.wechat.documents.document import Document
from wxbus_local.servers.ports import free_port

T = TypeVar("T")
R = TypeVar("R")

TEXT = "你好, order 17"
PUBLISHERS = 50


@dataclass(frozen=True, slots=True)
class Message:
    """One user's message."""

    openid: str
    msg_id: str
    text: str = TEXT


@dataclass(frozen=True, slots=True)
class Round:
    """What handling some messages took."""

    rate: float
    """Messages per second."""
    cpu_us: float
    """CPU of all the worker's processes per message."""
    redis_us: float
    """CPU of Redis per message."""
    redis_trips: float
    """Reads of Redis from its connections per message: a batch of commands is one, however many commands it has."""
    redis_scripts: float
    """Scripts per message."""
    memory_mib: float
    """Memory of all the worker's processes, at the end."""


class Arm:
    """A worker that does not run yet, a web view that does, and how messages get past the view."""

    def __init__(
        self,
        places: Places,
        worker: Service,
        web: Service | None,
        http: aiohttp.ClientSession,
        publish: Callable[[Sequence[Message]], Coroutine[Any, Any, None]],
    ) -> None:
        """`http` talks to the stand-in for WeChat, which counts what was sent."""
        self.worker = worker
        self.publish = publish
        self.sent = 0
        """Messages that are answered in all once nothing waits."""
        self._places = places
        self._web = web
        self._http = http

    @property
    def web(self) -> Service:
        """The web view."""
        if self._web is None:
            raise RuntimeError("this stack was opened without a web view")
        return self._web

    @property
    def web_port(self) -> int:
        """Where the web view listens."""
        if self.web.port is None:
            raise RuntimeError("the web view has no port")
        return self.web.port

    def running(self) -> AbstractAsyncContextManager[Service]:
        """Run the worker while the block runs."""
        return serving(self.worker)

    async def answered(self, count: int) -> None:
        """Return when so many messages were answered in all; raises RuntimeError if the worker ends before."""
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            async with self._http.get(f"/sent/{count}") as answer:
                answer.raise_for_status()
            watching.cancel()

    async def arrivals(self) -> dict[str, float]:
        """Return when the texts arrived that look like "#7", by their number and the monotonic clock."""
        async with self._http.get("/arrivals") as answer:
            found: dict[str, float] = await answer.json()
        return found

    async def _watch(self) -> None:
        code = await self.worker.ended()
        raise RuntimeError(f"{self.worker.name} ended with {code} while it was measured")

    async def work(self, messages: Sequence[Message]) -> Round:
        """Have the messages handled while they are published; the worker runs."""
        start = await self._reading()
        self.sent += len(messages)
        await self.publish(messages)
        await self.answered(self.sent)
        return await self._round(start, len(messages))

    async def work_off(self, messages: Sequence[Message], *, unmeasured: float) -> Round:
        """Start the worker on a backlog of these messages; it is measured once `unmeasured`, a share, is done."""
        await self.publish(messages)
        first = round(len(messages) * unmeasured)
        async with self.running():
            await self.answered(self.sent + first)
            start = await self._reading()
            self.sent += len(messages)
            await self.answered(self.sent)
            return await self._round(start, len(messages) - first)

    async def _reading(self) -> tuple[float, ...]:
        return time.perf_counter(), self.worker.cpu_seconds(), *await self._places.redis_usage()

    async def _round(self, start: tuple[float, ...], count: int) -> Round:
        used = (after - before for before, after in zip(start, await self._reading(), strict=True))
        seconds, cpu, redis, trips, scripts = used
        return Round(
            rate=count / seconds,
            cpu_us=cpu / count * 1e6,
            redis_us=redis / count * 1e6,
            redis_trips=trips / count,
            redis_scripts=scripts / count,
            memory_mib=self.worker.memory_mib(),
        )


async def alternating(arms: Sequence[T], number: int, measure: Callable[[T, int], Awaitable[R]]) -> list[R]:
    """Return what a round found for each of the arms; each round begins with another one."""
    found: dict[int, R] = {}
    for step in range(len(arms)):
        index = (number + step) % len(arms)
        found[index] = await measure(arms[index], number)
    return [found[index] for index in range(len(arms))]


@asynccontextmanager
async def our_stack(
    places: Places,
    *,
    app: str = "router",
    processes: int = 1,
    web: bool = False,
    view_env: Mapping[str, str] | None = None,
) -> AsyncIterator[Arm]:
    """Yield ours; `view_env` are variables of the web view alone."""
    accounts = places.folder / "accounts.toml"
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    admin, view, view_admin = free_port(count=processes), free_port(), free_port()
    async with (
        stand_in(places) as (url, http),
        Publisher.open(places.amqp_url, places.topology, name="bench") as publisher,
    ):
        env = {
            **places.environment(),
            "WXBUS_ACCOUNTS_FILE": str(accounts),
            "WXBUS_WECHAT_API_URL": url,
            "WXBUS_WORKER_APP": f"tests.benchmarks.handlers:{app}",
            "WXBUS_WORKER_TOKEN_URL": url,
            "WXBUS_WORKER_TOKEN_API_KEY": "bench",
            "WXBUS_WORKER_ADMIN_PORT": str(admin),
            "WXBUS_INGRESS_HOST": "127.0.0.1",
            "WXBUS_INGRESS_PORT": str(view),
            "WXBUS_INGRESS_ADMIN_PORT": str(view_admin),
            "WXBUS_INGRESS_SPOOL_DIR": str(places.folder / f"spool-{places.namespace}"),
        }

        async def publish(message: Message) -> None:
            await publisher.publish(_envelope(message), budget=30)

        arguments = ("--processes", str(processes)) if processes > 1 else ()
        worker = places.service("wxbus_worker", *arguments, port=admin, env=env)
        ingress = places.service("wxbus_ingress", port=view, env={**env, **(view_env or {})}) if web else None
        async with web_view(ingress):
            yield Arm(places, worker, ingress, http, lambda messages: at_once(messages, publish))


@asynccontextmanager
async def stand_in(places: Places) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Yield the address and a client of a stand-in for WeChat's API, just started."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        places.serving("tests.benchmarks.peers.wechat", str(port), port=port),
        aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as http,
    ):
        yield url, http


@asynccontextmanager
async def web_view(service: Service | None) -> AsyncIterator[None]:
    """Run a web view, if there is one, while the block runs."""
    if service is None:
        yield
    else:
        async with serving(service):
            yield


async def at_once(messages: Sequence[Message], publish: Callable[[Message], Awaitable[object]]) -> None:
    """Publish messages, many at a time."""
    left = iter(messages)

    async def some() -> None:
        for message in left:
            await publish(message)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(PUBLISHERS):
            tasks.create_task(some())


def document_of(message: Message) -> Document:
    """Return the callback that a message comes as."""
    return {
        "ToUserName": "gh_bench",
        "FromUserName": message.openid,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": message.text,
        "MsgId": message.msg_id,
    }


def _envelope(message: Message) -> Envelope:
    """Return what ingress hands to our worker: the callback as it was decoded."""
    return Envelope(
        id=new_id(),
        kind=EnvelopeKind.CALLBACK,
        account="bench",
        appid=APPID,
        openid=message.openid,
        lane=f"{APPID}:{message.openid}",
        dedup_id=f"{APPID}:m:{message.openid}:{message.msg_id}",
        body=json.dumps(document_of(message), ensure_ascii=False).encode(),
        received_at=time.time(),
        traceparent=new_traceparent(),
    )
