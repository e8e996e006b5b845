"""Assembles the worker and runs it."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.aio.background import retry_while_unavailable
from wxbus.aio.waiting import Interrupted, interrupted_by
from wxbus.bus.consumer import Consumer
from wxbus.bus.marker import Marker
from wxbus.errors import ConfigurationError, WxbusError
from wxbus.features import Features
from wxbus.messages import Bus
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.watchdog import watched_loop
from wxbus.sockets.groups import Groups
from wxbus.sockets.presence import Presence, RedisPresence
from wxbus.sockets.pushes import PushLog
from wxbus.store.generation import Losses
from wxbus.tokens import TokenClient
from wxbus_worker.adapters import Adapters, connection_closer, load_accounts, open_adapters
from wxbus_worker.broadcast.broadcaster import Broadcaster
from wxbus_worker.broadcast.recipient_contexts import RecipientContexts
from wxbus_worker.broadcast.service import BroadcastServicer
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.customer_service.pull import CustomerServicePuller
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.overflows import Overflows
from wxbus_worker.delivery.pipeline import build_pipeline
from wxbus_worker.delivery.stage import Next
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.resources import opened
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.intake.accounts import AccountFinder
from wxbus_worker.intake.server import taking_requests
from wxbus_worker.intake.service import MessagesServicer
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.overflow.wakeups import Wakeups
from wxbus_worker.partitions.assignment import Role
from wxbus_worker.partitions.membership import Membership
from wxbus_worker.partitions.rebalancer import CloseConnections, Rebalancer
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.reports import UndeliveredReports
from wxbus_worker.replies.sockets import RedisSockets
from wxbus_worker.replies.windows import Windows
from wxbus_worker.robots.sender import RobotSender
from wxbus_worker.settings import WorkerSettings
from wxbus_worker.store.crash_counter import CrashCounter
from wxbus_worker.store.kf_cursors import KfCursors
from wxbus_worker.store.retrying import RetryingStore
from wxbus_worker.store.robot_streams import RobotStreams
from wxbus_worker.store.signatures import SignatureGuard
from wxbus_worker.sweepers.contexts import ContextSweeper
from wxbus_worker.sweepers.data_loss import DataLossDetector
from wxbus_worker.sweepers.replies import ReplySweeper
from wxbus_worker.sweepers.schedule import ScheduleSweeper

SEND_SHARE: Final = 2 / 3
"""Part of the send lease for sending one reply, which must end before the lease does."""
RESTART_PAUSE: Final = 1.0
"""Seconds before consuming restarts after an outage."""
CLOSE_TIMEOUT: Final = 3.0
"""Seconds for closing the connection to RabbitMQ after the last handler has ended."""

log = structlog.stdlib.get_logger(__name__)


class GracePeriodExceeded(WxbusError):
    """Handlers were still running at the end of the grace period. They are cancelled; RabbitMQ redelivers."""


async def serve(
    settings: WorkerSettings, router: BaseRouter, *, stopping: asyncio.Event, registry: CollectorRegistry = REGISTRY
) -> None:
    """Handle messages until `stopping` is set; then finish running messages within the grace period.

    Raises:
        ConfigurationError: The accounts file, an address, a port, a queue or Redis cannot be used, a provider or an
            `on_start` hook failed, or a demo secret would protect a real account.
    """
    accounts = load_accounts(settings, registry)
    routes, metrics = RouteTable(router), WorkerMetrics(registry)
    async with open_adapters(settings, accounts, router.context_policy) as adapters, AsyncExitStack() as resources:
        provided = Features(
            {
                Contexts: adapters.contexts,
                Bus: Bus(adapters.intake),
                TokenClient: adapters.tokens,
                Presence: RedisPresence(adapters.store, namespace=settings.store.namespace),
            }
        )
        try:
            async with interrupted_by(stopping):
                await resources.enter_async_context(opened((router, *router.included()), provided))
        except Interrupted:
            return
        pipeline = _build_pipeline(settings, adapters, routes, metrics, provided)
        try:
            async with asyncio.TaskGroup() as tasks:
                overflows = Overflows(adapters.overflow, Wakeups(adapters.publisher), metrics, tasks=tasks)
                lanes = Lanes(
                    pipeline,
                    concurrency=settings.concurrency,
                    tasks=tasks,
                    overflows=overflows,
                    owner_changed=adapters.cache.clear,
                )
                metrics.watch_cache(contexts=lambda: len(adapters.cache), size=lambda: adapters.cache.size)
                metrics.watch_lanes(
                    running=lambda: lanes.running,
                    waiting=lambda: lanes.waiting,
                    overflowing=lambda: lanes.overflowing,
                    held_back=lambda: lanes.held_back,
                )
                async with watched_loop(registry=registry, describe=lanes.mark_blocking):
                    await _run(settings, adapters, routes, lanes, overflows, metrics, registry, stopping, tasks)
        except BaseExceptionGroup as group:
            if reason := _first_of(group, ConfigurationError):
                raise reason from group
            if not (exceeded := _first_of(group, GracePeriodExceeded)):
                raise
            log.warning("worker.grace_period_exceeded", reason=str(exceeded))
    log.info("worker.stopped")


def _build_pipeline(
    settings: WorkerSettings, adapters: Adapters, routes: RouteTable, metrics: WorkerMetrics, provided: Features
) -> Next[Job]:
    namespace, budget = settings.store.namespace, settings.send_lease * SEND_SHARE
    robot_streams = RobotStreams(adapters.retrying, namespace=namespace)
    return build_pipeline(
        accounts=adapters.accounts,
        routes=routes,
        client_of=adapters.client_of,
        contexts=adapters.contexts,
        pending=adapters.pending,
        availability=adapters.retrying,
        outbox=Outbox(
            adapters.contexts,
            adapters.client_of,
            sockets=RedisSockets(
                PushLog(adapters.store, namespace=namespace), Groups(adapters.store, namespace=namespace)
            ),
            reports=UndeliveredReports(adapters.publisher),
            budget=budget,
            metrics=metrics,
            robots=RobotSender(robot_streams, adapters.client_of),
        ),
        publisher=adapters.publisher,
        retries=settings.retries,
        metrics=metrics,
        handler_time_limit=settings.handler_timeout,
        pending_grace=settings.pending_grace,
        crashes=CrashCounter(adapters.retrying, namespace=namespace),
        signatures=SignatureGuard(adapters.retrying, namespace=namespace),
        platform=adapters.platform,
        robot_streams=robot_streams,
        customer_service=CustomerServicePuller(
            adapters.client_of, adapters.publisher, KfCursors(adapters.retrying, namespace=namespace)
        ),
        provided=provided,
        windows=Windows(enabled=settings.check_send_window),
        trace_contexts=settings.trace_contexts,
    )


async def _run(
    settings: WorkerSettings,
    adapters: Adapters,
    routes: RouteTable,
    lanes: Lanes,
    overflows: Overflows,
    metrics: WorkerMetrics,
    registry: CollectorRegistry,
    stopping: asyncio.Event,
    tasks: asyncio.TaskGroup,
) -> None:
    """Consume until `stopping` is set, then stop."""
    consumer = Consumer(settings.bus.amqp_url.get_secret_value(), settings.bus.topology, lanes, name=adapters.name)
    overflows.disconnect = consumer.disconnect
    async with connection_closer(settings) as close_connections:
        rebalancer = _build_rebalancer(settings, adapters, consumer, close_connections, metrics)
        checks = {
            "redis": adapters.retrying.check,
            "rabbitmq": consumer.check,
            "rabbitmq_publish": adapters.publisher.check,
            "partitions": rebalancer.check,
        }
        admin = build_admin(checks, informational={"accounts": adapters.accounts.check}, registry=registry)
        services = [
            MessagesServicer(adapters.intake),
            BroadcastServicer(adapters.broadcasts, AccountFinder(lambda: adapters.accounts.current)),
        ]
        async with (
            listening(admin, host=settings.admin_host, port=settings.admin_port) as admin_port,
            taking_requests(
                settings, adapters.intake, services, adapters.publisher, metrics, name=adapters.name, registry=registry
            ),
        ):
            accounts = len(adapters.accounts.current)
            log.info("worker.started", admin_port=admin_port, accounts=accounts, handlers=len(routes))
            consuming = tasks.create_task(_consume(settings, adapters.retrying, consumer, rebalancer))
            sweeping = _start_sweepers(settings, adapters, routes, metrics, registry, tasks)
            await stopping.wait()
            for task in sweeping:
                task.cancel()
            log.info("worker.stopping", running=lanes.running)
            rebalancer.stop()
            await _stop(lanes, consumer, consuming, grace=settings.grace)


def _build_rebalancer(
    settings: WorkerSettings,
    adapters: Adapters,
    consumer: Consumer,
    close_connections: CloseConnections | None,
    metrics: WorkerMetrics,
) -> Rebalancer:
    membership = Membership(adapters.store, namespace=settings.store.namespace, member=adapters.name)
    partitions = settings.bus.partitions
    rebalancer = Rebalancer(consumer, membership, partitions=partitions, close_connections=close_connections)
    roles = {role.name.lower(): partial(rebalancer.count, role) for role in Role}
    metrics.watch_partitions(roles, delivering=rebalancer.delivering)
    return rebalancer


def _start_sweepers(
    settings: WorkerSettings,
    adapters: Adapters,
    routes: RouteTable,
    metrics: WorkerMetrics,
    registry: CollectorRegistry,
    tasks: asyncio.TaskGroup,
) -> "list[asyncio.Task[None]]":
    namespace, publisher = settings.store.namespace, adapters.publisher
    marker = Marker(settings.bus.amqp_url.get_secret_value(), settings.bus.topology, name=adapters.name)
    losses = Losses(adapters.store, namespace=namespace, registry=registry)
    sweepers = (
        ContextSweeper(adapters.contexts, publisher, adapters.accounts, events=routes.handles_removals),
        ScheduleSweeper(adapters.schedule, publisher),
        Broadcaster(
            adapters.broadcasts,
            adapters.store,
            adapters.client_of,
            metrics,
            RecipientContexts(
                adapters.contexts, adapters.accounts, publisher, Windows(enabled=settings.check_send_window)
            ),
            namespace=namespace,
        ),
        ReplySweeper(adapters.pending, publisher, after_outage=settings.pending_after_outage),
        DataLossDetector(adapters.store, adapters.generation, marker, publisher, losses, namespace=namespace),
    )
    return [tasks.create_task(sweeper.run()) for sweeper in sweepers]


async def _consume(settings: WorkerSettings, store: RetryingStore, consumer: Consumer, rebalancer: Rebalancer) -> None:
    """Consume this worker's share of the partitions, once Redis answers and keeps its data."""
    await store.until_available()
    try:
        await store.check_durability()
    except ConfigurationError as exc:
        if settings.require_durable_store:
            raise
        log.warning("store.not_durable", reason=str(exc))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(retry_while_unavailable(consumer.run, name="consumer", pause=RESTART_PAUSE))
        tasks.create_task(retry_while_unavailable(rebalancer.run, name="rebalancer", pause=RESTART_PAUSE))


async def _stop(lanes: Lanes, consumer: Consumer, consuming: "asyncio.Task[None]", *, grace: float) -> None:
    """Start no more handlers, wait for running handlers and close the channels: prefetched messages return in order."""
    lanes.close()
    try:
        async with asyncio.timeout(grace):
            await consumer.stop()
    except TimeoutError as exc:
        raise GracePeriodExceeded(f"{lanes.running} messages were still running after {grace:g} s") from exc
    await asyncio.wait({consuming}, timeout=CLOSE_TIMEOUT)
    consuming.cancel()


def _first_of(group: BaseExceptionGroup[BaseException], kind: type[WxbusError]) -> WxbusError | None:
    """Return the first error of this kind in the group and its subgroups."""
    for error in group.exceptions:
        if isinstance(error, kind):
            return error
        if isinstance(error, BaseExceptionGroup) and (found := _first_of(error, kind)):
            return found
    return None
