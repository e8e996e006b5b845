"""Listens, and stops without dropping a request that is being answered."""

import os
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.aio.waiting import background
from wxbus.bus.publisher import Publisher
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.gc import tune_gc
from wxbus.runtime.processes import port_for_process
from wxbus.runtime.signals import stop_signal
from wxbus.runtime.sockets import listening_socket
from wxbus.runtime.watchdog import watched_loop
from wxbus_ingress.app import build_app
from wxbus_ingress.callbacks.ip_allowlist import IpAllowlist
from wxbus_ingress.http.admission import affordable
from wxbus_ingress.http.server import serving
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.publishing.orphaned_spools import drain_leftovers, find_orphaned
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import IngressSettings
from wxbus_ingress.spool.open import file_of
from wxbus_ingress.spool.spool import Spool

GRACE = 1.0
"""Seconds beyond the budget that a request in flight gets when we stop."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Which of several processes this is."""

    number: int = 0
    processes: int = 1
    listener: socket.socket | None = None
    """The socket that all of them listen on; None: we open our own."""


async def serve(
    settings: IngressSettings,
    place: Place | None = None,
    *,
    registry: CollectorRegistry = REGISTRY,
) -> None:
    """Take callbacks until SIGTERM or SIGINT; a second signal ends the process at once.

    Args:
        settings: All of them.
        place: Which process of several; None: the only one.
        registry: Holds the metrics.

    Raises:
        ConfigurationError: The accounts file, the broker's address, the spool or a port cannot be used, or a demo
            secret would protect a real account.
    """
    place = place or Place()
    accounts = AccountsFile(settings.accounts.accounts_file, registry=registry)
    reject_demo_secrets(
        [settings.wechat.wechat_api_url],
        urls={"WXBUS_AMQP_URL": settings.bus.amqp_url.get_secret_value()},
        accounts=accounts.current,
    )
    accounts.require(Accounts.check_replies)
    stopping = stop_signal()
    waiting = PendingAnswers()
    metrics = SpoolMetrics(registry)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(watched_loop(registry=registry))
        publisher = await stack.enter_async_context(
            Publisher.open(
                settings.bus.amqp_url.get_secret_value(),
                settings.bus.topology,
                name=f"ingress@{socket.gethostname()}:{os.getpid()}",
                answers=waiting,
            )
        )
        spool = await stack.enter_async_context(
            Spool.open(file_of(settings.spool_folder, place.number), settings.spool)
        )
        metrics.watch(spool)
        spooling = await stack.enter_async_context(
            SpoolingPublisher.open(publisher, spool, settings.limits, metrics, waiting)
        )
        if place.number == 0 and (left := find_orphaned(settings.spool_folder, processes=place.processes)):
            await stack.enter_async_context(background(drain_leftovers(left, publisher, settings.spool, metrics)))
        sources = await stack.enter_async_context(IpAllowlist.open(settings.sources, settings.wechat, accounts))
        app = build_app(
            affordable(settings.limits),
            accounts.current,
            spooling,
            on_change=accounts.on_change,
            sources=sources,
            waiting=waiting,
            registry=registry,
        )
        await stack.enter_async_context(accounts.watching())
        informational = {"rabbitmq": publisher.check, "spool": spool.check, "accounts": accounts.check}
        if sources:
            informational["sources"] = sources.problem
        admin = build_admin({"callbacks": spooling.check}, informational=informational, registry=registry)
        listener = place.listener or listening_socket(settings.host, settings.port)
        admin_port = port_for_process(settings.admin_port, place.number)
        admin_port = await stack.enter_async_context(listening(admin, host=settings.admin_host, port=admin_port))
        port = await stack.enter_async_context(serving(app, listener, grace=settings.limits.budget + GRACE))
        tune_gc()
        log.info(
            "ingress.listening",
            port=port,
            admin_port=admin_port,
            accounts=len(accounts.current),
            spool=str(spool.path),
            spooled=spool.rows,
        )
        await stopping.wait()
        log.info("ingress.stopping")
    log.info("ingress.stopped")
