"""Workers under measurement: ours and Celery's, each with an API of its own to send to, doing one job.

The job: an accepted callback comes in; the user's context is read, changed and written, the message's id is remembered,
and a customer-service message goes out.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from celery import Celery
from kombu import Queue

from tests.benchmarks.places import Places
from tests.support.processes import Service
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.publisher import Publisher
from wxbus.telemetry import new_traceparent
from wxbus_local.servers.ports import free_port

APPID = "wxbench0000000000"
TEXT = "你好, order 17"
ACCOUNTS = f"""
[accounts.bench]
appid = "{APPID}"
kind = "official_account"
"""
PUBLISHERS = 50
PEER = "tests.benchmarks.peers.celery_worker"


@dataclass(frozen=True, slots=True)
class Message:
    """One user's message."""

    openid: str
    msg_id: str


@dataclass(frozen=True, slots=True)
class Round:
    """What handling some messages took."""

    rate: float
    """Messages per second."""
    cpu_us: float
    """CPU of all the worker's processes per message."""


class Arm:
    """One worker, or a group of its processes, and how messages get to it."""

    def __init__(
        self, worker: Service, http: aiohttp.ClientSession, publish: Callable[[Sequence[Message]], Awaitable[None]]
    ) -> None:
        """`http` talks to the stand-in for WeChat, which counts what was sent."""
        self.worker = worker
        self.publish = publish
        self._http = http
        self._expected = 0

    def expect(self, messages: int) -> int:
        """Return how many messages will have been answered once so many more are."""
        self._expected += messages
        return self._expected

    async def answered(self, count: int) -> None:
        """Return when so many messages were answered in all; raises RuntimeError if the worker ends before."""
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            async with self._http.get(f"/sent/{count}") as answer:
                answer.raise_for_status()
            watching.cancel()

    async def _watch(self) -> None:
        code = await self.worker.ended()
        raise RuntimeError(f"{self.worker.name} ended with {code} while it was measured")

    async def work(self, messages: Sequence[Message]) -> Round:
        """Have the messages handled while they are published."""
        before, started = self.worker.cpu_seconds(), time.perf_counter()
        await self.publish(messages)
        await self.answered(self.expect(len(messages)))
        seconds = time.perf_counter() - started
        return Round(len(messages) / seconds, (self.worker.cpu_seconds() - before) / len(messages) * 1e6)


@asynccontextmanager
async def our_worker(
    places: Places, *, app: str = "router", processes: int = 1, backlog: Sequence[Message] = ()
) -> AsyncIterator[Arm]:
    """Yield ours, started once the `backlog` waits for it."""
    accounts = places.folder / "accounts.toml"
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    admin_port = free_port(count=processes)
    async with (
        _wechat(places) as (url, http),
        Publisher.open(places.amqp_url, places.topology, name="bench") as publisher,
    ):
        env = {
            **places.environment(),
            "WXBUS_ACCOUNTS_FILE": str(accounts),
            "WXBUS_WECHAT_API_URL": url,
            "WXBUS_WORKER_APP": f"tests.benchmarks.handlers:{app}",
            "WXBUS_WORKER_TOKEN_URL": url,
            "WXBUS_WORKER_TOKEN_API_KEY": "bench",
            "WXBUS_WORKER_ADMIN_PORT": str(admin_port),
        }

        async def publish(messages: Sequence[Message]) -> None:
            left = iter(messages)

            async def some() -> None:
                for message in left:
                    await publisher.publish(_envelope(message), budget=30)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(PUBLISHERS):
                    tasks.create_task(some())

        await publish(backlog)
        arguments = ("--processes", str(processes)) if processes > 1 else ()
        async with places.serving("wxbus_worker", *arguments, port=admin_port, env=env) as worker:
            yield Arm(worker, http, publish)


@asynccontextmanager
async def celery_worker(places: Places) -> AsyncIterator[Arm]:
    """Yield Celery's, with a process for each core."""
    queue = f"{places.namespace}.celery"
    async with _wechat(places) as (url, http):
        env = {
            "PEER_NAMESPACE": places.namespace,
            "PEER_AMQP_URL": places.amqp_url,
            "PEER_REDIS_URL": places.redis_url,
            "PEER_WECHAT_URL": url,
        }
        app = Celery(broker=places.amqp_url)
        app.conf.update(task_default_queue=queue, task_ignore_result=True)

        def publish_all(messages: Sequence[Message]) -> None:
            with app.producer_pool.acquire(block=True) as producer:
                for message in messages:
                    app.send_task(f"{PEER}.handle", [_xml(message)], producer=producer)

        async def publish(messages: Sequence[Message]) -> None:
            await asyncio.to_thread(publish_all, messages)

        arguments = "--app", PEER, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"
        try:
            async with places.serving("celery", *arguments, "--without-heartbeat", env=env) as worker:
                yield Arm(worker, http, publish)
        finally:
            with app.connection() as connection:
                Queue(queue)(connection.default_channel).delete()
                connection.default_channel.exchange_delete(queue)
            app.close()


@asynccontextmanager
async def _wechat(places: Places) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Yield the address and a client of a stand-in for WeChat's API, just started."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        places.serving("tests.benchmarks.peers.wechat", str(port), port=port),
        aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as http,
    ):
        yield url, http


def document_of(message: Message) -> dict[str, str]:
    """Return the callback that a message comes as."""
    return {
        "ToUserName": "gh_bench",
        "FromUserName": message.openid,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": TEXT,
        "MsgId": message.msg_id,
    }


def _xml(message: Message) -> str:
    """Return what a web view hands to Celery: the callback as it was decrypted."""
    fields = (f"<{name}><![CDATA[{value}]]></{name}>" for name, value in document_of(message).items())
    return f"<xml>{''.join(fields)}</xml>"


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
