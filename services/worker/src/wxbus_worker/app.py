"""Puts the worker together and runs it: the only module that knows which adapters are real."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.aio.background import retry_while_unavailable
from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.bus.consumer import Consumer, consumer_name
from wxbus.bus.management import Management
from wxbus.bus.marker import Marker
from wxbus.bus.publisher import Publisher
from wxbus.errors import ConfigurationError, WxbusError
from wxbus.rpc import Client
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.watchdog import watched_loop
from wxbus.store.generation import Generation, Losses
from wxbus.store.store import Store
from wxbus.tokens import TokenClient
from wxbus.tokens.client import TIMEOUT
from wxbus.tokens.component import ComponentClient
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.pipeline import build_pipeline
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.partitions.assignment import Role
from wxbus_worker.partitions.membership import Membership
from wxbus_worker.partitions.rebalancer import Rebalancer
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.settings import WorkerSettings
from wxbus_worker.store.crash_counter import CrashCounter
from wxbus_worker.store.pending_replies import RedisPendingReplies
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.store.retrying import RetryingStore
from wxbus_worker.store.signatures import SignatureGuard
from wxbus_worker.sweepers.contexts import Sweeper
from wxbus_worker.sweepers.replies import ReplySweeper
from wxbus_worker.sweepers.witness import Witness

SEND_SHARE: Final = 2 / 3
"""Of a turn's lease, for one reply: it must end before the turn does."""
AGAIN: Final = 1.0
"""Seconds before consuming starts over after an outage that it did not wait for itself."""
CLOSE_TIME: Final = 3.0
"""Seconds for closing the connection to RabbitMQ once nothing runs any more."""

log = structlog.stdlib.get_logger(__name__)


class GraceOver(WxbusError):
    """What ran had not ended when the time for it was over; it is cancelled, and RabbitMQ delivers it again."""


async def serve(
    settings: WorkerSettings, router: BaseRouter, *, stopping: asyncio.Event, registry: CollectorRegistry = REGISTRY
) -> None:
    """Handle messages until `stopping` is set; then finish what runs, within the grace period.

    Raises:
        ConfigurationError: The accounts file, an address, a port, a queue or Redis cannot be used, or a demo secret
            would protect a real account.
    """
    accounts = AccountsFile(settings.accounts.accounts_file, registry=registry)
    reject_demo_secrets(
        [settings.wechat.wechat_api_url],
        urls={
            "WXBUS_AMQP_URL": settings.bus.amqp_url.get_secret_value(),
            "WXBUS_REDIS_URL": settings.store.redis_url.get_secret_value(),
        },
        values={"WXBUS_WORKER_TOKEN_API_KEY": settings.token_api_key.get_secret_value()},
        accounts=accounts.current,
    )
    accounts.require(Accounts.check_replies)
    routes = RouteTable(router)
    metrics = WorkerMetrics(registry)
    # The last part tells it from another life of the same process: a container's id is always 1.
    name = f"worker@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    amqp_url, topology = settings.bus.amqp_url.get_secret_value(), settings.bus.topology
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(accounts.watching())
        store = await enter(Store.open(settings.store.redis_url.get_secret_value(), name=name))
        http = await enter(WeChatHttp.open(settings.wechat.wechat_api_url, settings.wechat.wechat_api_timeout))
        tokens, platform = await enter(_token_service(settings))
        publisher = await enter(Publisher.open(amqp_url, topology, name=name))
        client_of = partial(WeChatClient, http=http, tokens=tokens)
        generation = Generation(store, namespace=settings.store.namespace)
        patient = RetryingStore(store, generation)
        contexts = RedisContextStore(
            patient, namespace=settings.store.namespace, policy=router.context_policy, lease=settings.reply_lease
        )
        pending = RedisPendingReplies(patient, namespace=settings.store.namespace, lease=settings.reply_lease)
        pipeline = build_pipeline(
            accounts=accounts,
            routes=routes,
            client_of=client_of,
            contexts=contexts,
            pending=pending,
            availability=patient,
            outbox=Outbox(contexts, client_of, budget=settings.reply_lease * SEND_SHARE, metrics=metrics),
            publisher=publisher,
            retries=settings.retries,
            metrics=metrics,
            handler_time_limit=settings.handler_timeout,
            late_grace=settings.late_grace,
            crashes=CrashCounter(patient, namespace=settings.store.namespace),
            signatures=SignatureGuard(patient, namespace=settings.store.namespace),
            platform=platform,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                lanes = Lanes(pipeline, concurrency=settings.concurrency, tasks=tasks)
                metrics.watch_lanes(running=lambda: lanes.running, waiting=lambda: lanes.waiting)
                await enter(watched_loop(registry=registry, describe=lanes.mark_blocking))
                consumer = Consumer(amqp_url, topology, lanes, name=name)
                membership = Membership(store, namespace=settings.store.namespace, member=name)
                cut = await enter(_cutter(settings))
                ownership = Rebalancer(consumer, membership, partitions=settings.bus.partitions, close_connections=cut)
                metrics.watch_partitions(
                    {role.name.lower(): partial(ownership.count, role) for role in Role},
                    delivering=ownership.delivering,
                )
                checks = {
                    "redis": patient.check,
                    "rabbitmq": consumer.check,
                    "rabbitmq_publish": publisher.check,
                    "partitions": ownership.check,
                }
                admin = listening(
                    build_admin(checks, informational={"accounts": accounts.check}, registry=registry),
                    host=settings.admin_host,
                    port=settings.admin_port,
                )
                admin_port = await enter(admin)
                log.info("worker.started", admin_port=admin_port, accounts=len(accounts.current), handlers=len(routes))
                consuming = tasks.create_task(_consume(settings, patient, consumer, ownership))
                sweepers = (
                    Sweeper(contexts, publisher, accounts, events=routes.handles_removals),
                    ReplySweeper(pending, publisher, after_outage=settings.late_after_outage),
                    _witness(settings, store, generation, publisher, name=name, registry=registry),
                )
                sweeping = [tasks.create_task(sweeper.run()) for sweeper in sweepers]
                await stopping.wait()
                for task in sweeping:
                    task.cancel()
                log.info("worker.stopping", running=lanes.running)
                ownership.stop()
                await _stop(lanes, consumer, consuming, grace=settings.grace)
        except BaseExceptionGroup as group:
            if reason := _leaf(group, ConfigurationError):
                raise reason from group
            if not (late := _leaf(group, GraceOver)):
                raise
            log.warning("worker.grace_over", reason=str(late))
    log.info("worker.stopped")


@asynccontextmanager
async def _token_service(settings: WorkerSettings) -> AsyncIterator[tuple[TokenClient, ComponentClient]]:
    """Yield the token service's clients, over one pool of connections."""
    url, key = settings.token_url, settings.token_api_key.get_secret_value()
    async with Client.open(url, key, timeout=TIMEOUT, topology=settings.bus.topology) as client:
        tokens = TokenClient(client)
        try:
            yield tokens, ComponentClient(client)
        finally:
            await tokens.aclose()


def _witness(
    settings: WorkerSettings,
    store: Store,
    generation: Generation,
    publisher: Publisher,
    *,
    name: str,
    registry: CollectorRegistry,
) -> Witness:
    """Return what notices that Redis or RabbitMQ lost its data."""
    namespace = settings.store.namespace
    marker = Marker(settings.bus.amqp_url.get_secret_value(), settings.bus.topology, name=name)
    losses = Losses(store, namespace=namespace, registry=registry)
    return Witness(store, generation, marker, publisher, losses, namespace=namespace)


@asynccontextmanager
async def _cutter(settings: WorkerSettings) -> AsyncIterator[Callable[[str], Awaitable[int]] | None]:
    """Yield what closes a frozen worker's connection, if RabbitMQ's management may be used."""
    url = settings.bus.amqp_management_url
    if url is None:
        yield None
        return
    async with Management.open(url.get_secret_value(), amqp_url=settings.bus.amqp_url.get_secret_value()) as management:

        async def cut(member: str) -> int:
            return await management.close_connections(consumer_name(member), reason="its lease has lapsed")

        yield cut


async def _consume(settings: WorkerSettings, patient: RetryingStore, consumer: Consumer, ownership: Rebalancer) -> None:
    """Consume our share of the partitions, once Redis answers and is fit."""
    await patient.until_available()
    try:
        await patient.check_durability()
    except ConfigurationError as exc:
        if settings.require_durable_store:
            raise
        log.warning("store.not_durable", reason=str(exc))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(retry_while_unavailable(consumer.run, name="consumer", pause=AGAIN))
        tasks.create_task(retry_while_unavailable(ownership.run, name="ownership", pause=AGAIN))


async def _stop(lanes: Lanes, consumer: Consumer, consuming: "asyncio.Task[None]", *, grace: float) -> None:
    """Start nothing more, let what runs end, close the channels: what was prefetched goes back in order."""
    lanes.close()
    try:
        async with asyncio.timeout(grace):
            await consumer.stop()
    except TimeoutError as exc:
        raise GraceOver(f"{lanes.running} messages still ran after {grace:g} s") from exc
    await asyncio.wait({consuming}, timeout=CLOSE_TIME)
    consuming.cancel()


def _leaf(group: BaseExceptionGroup[BaseException], kind: type[WxbusError]) -> WxbusError | None:
    """Return the first error of a kind, however deep, if there is one."""
    for one in group.exceptions:
        if isinstance(one, kind):
            return one
        if isinstance(one, BaseExceptionGroup) and (found := _leaf(one, kind)):
            return found
    return None
