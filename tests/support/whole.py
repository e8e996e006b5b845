"""Ingress and worker in one event loop, over a real RabbitMQ and a real Redis, with WeChat's side of your choice.

For what happens between the two at moments that processes of their own could not be made to meet.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from tests.support.clock import AdvancedClock
from tests.support.pushes import AES_KEY, APPID, TOKEN
from tests.support.stores import open_store
from tests.support.worker import Rig
from wxbus.accounts.accounts import Accounts
from wxbus.bus.consumer import Consumer
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.runtime.admin import listening
from wxbus.runtime.sockets import listening_socket
from wxbus.store.generation import Generation
from wxbus.store.store import Store
from wxbus.wechat.callbacks.keys import Mode
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import Limits, SpoolLimits
from wxbus_ingress.spool.spool import Spool
from wxbus_sandbox.app import build_app as build_sandbox
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.settings import Rules
from wxbus_worker import Account, AccountKind, Router
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.store.keys import LaneKeys
from wxbus_worker.store.pending_replies import RedisPendingReplies
from wxbus_worker.store.ports import SHARDS
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.store.retrying import RetryingStore
from wxbus_worker.store.robot_streams import RobotStreams
from wxbus_worker.sweepers.replies import ReplySweeper

PREFETCH = 500
"""Large enough that no message waits for slow handlers of others."""


def an_account(**fields: Any) -> Account:
    """The only account; it accepts every mode and format."""
    given = {"name": "shop", "appid": APPID, "kind": AccountKind.OFFICIAL_ACCOUNT, "token": TOKEN, "aes_key": AES_KEY}
    modes = (Mode.SECURE, Mode.COMPATIBLE, Mode.PLAIN)
    return Account.model_validate({**given, "modes": modes, "reply": "passive", **fields})


@dataclass
class Whole:
    """The running parts."""

    url: str
    """Callback address of the account."""
    http: aiohttp.ClientSession
    rig: Rig
    """The worker; `rig.wechat` is the customer-service API."""
    lanes: Lanes
    store: Store
    registry: CollectorRegistry
    """Metrics of ingress."""
    namespace: str
    sandbox: SandboxClient
    spooling: SpoolingPublisher
    clock: AdvancedClock
    """Clock with which the worker measures how long RabbitMQ has been available."""

    def answers(self, outcome: str) -> int:
        """Return the number of pending callbacks with this outcome."""
        labels = {"account": "shop", "outcome": outcome}
        return int(self.registry.get_sample_value("wxbus_ingress_passive_replies_total", labels) or 0)

    async def until_decided(self) -> None:
        """Return once no reply is pending and nothing runs."""
        keys = LaneKeys(self.namespace)
        while True:
            counts = [await self.store.command("ZCARD", keys.reply_deadlines(shard)) for shard in range(SHARDS)]
            if not any(counts) and not self.lanes.running:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def whole(
    router: Router,
    *,
    amqp_url: str,
    redis_url: str,
    topology: Topology,
    folder: Path,
    account: Account,
    limits: Limits,
    pending_grace: float,
    pending_after_outage: float = 0.0,
    rules: Rules | None = None,
    ingress_amqp_url: str = "",
    worker_amqp_url: str = "",
) -> AsyncIterator[Whole]:
    """Start all parts with `rules` for the sandbox. Ingress and worker can use different addresses of RabbitMQ."""
    answers, registry, accounts = PendingAnswers(), CollectorRegistry(), Accounts({account.name: account})
    namespace = topology.namespace
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        publisher = await enter(
            Publisher.open(ingress_amqp_url or amqp_url, topology, name=f"{namespace}:ingress", answers=answers)
        )
        worker_publisher = await enter(
            Publisher.open(worker_amqp_url or amqp_url, topology, name=f"{namespace}:worker")
        )
        spool = await enter(Spool.open(folder / "spool", SpoolLimits(disk_floor=0)))
        spooling = await enter(SpoolingPublisher.open(publisher, spool, limits, SpoolMetrics(registry), answers))
        app = build_app(limits, accounts, spooling, pending=answers, registry=registry)
        port = await enter(serving(app, listening_socket("127.0.0.1", 0), grace=1))
        store = await enter(open_store(redis_url))
        retrying = RetryingStore(store, Generation(store, namespace=namespace))
        pending = RedisPendingReplies(retrying, namespace=namespace)
        contexts = RedisContextStore(retrying, namespace=namespace, policy=router.context_policy)
        rig = Rig(
            router,
            store=contexts,
            pending=pending,
            availability=retrying,
            publisher=worker_publisher,
            account=account,
            pending_grace=pending_grace,
            robot_streams=RobotStreams(retrying, namespace=namespace),
        )
        tasks = await enter(asyncio.TaskGroup())
        lanes = Lanes(rig.work, concurrency=2 * PREFETCH, tasks=tasks)
        consumer = Consumer(worker_amqp_url or amqp_url, topology, lanes, name=namespace, prefetch=PREFETCH)
        clock = AdvancedClock()
        sweeper = ReplySweeper(pending, worker_publisher, after_outage=pending_after_outage, every=0.2, clock=clock)
        running = [
            tasks.create_task(consumer.run(range(topology.partitions))),
            tasks.create_task(sweeper.run()),
        ]
        ingress_url = f"http://127.0.0.1:{port}"
        wechat = build_sandbox(accounts, ingress_url=ingress_url, public_url="http://sandbox.test", rules=rules)
        sandbox_port = await enter(listening(wechat, host="127.0.0.1", port=0))
        sandbox = await enter(SandboxClient.open(f"http://127.0.0.1:{sandbox_port}"))
        http = await enter(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        await consumer.subscribed.wait()
        await publisher.until_usable()
        try:
            callback_url = f"{ingress_url}/wechat/shop"
            yield Whole(callback_url, http, rig, lanes, store, registry, namespace, sandbox, spooling, clock)
        finally:
            for task in running:
                task.cancel()
