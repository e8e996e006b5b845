"""Runs ingress, and stops it without dropping requests in flight."""

import os
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.demo_secrets import reject_demo_secrets
from wxbus.accounts.file import AccountsFile
from wxbus.aio.background import background
from wxbus.bus.publisher import Publisher
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.gc import tune_gc
from wxbus.runtime.processes import port_for_process
from wxbus.runtime.signals import stop_signal
from wxbus.runtime.sockets import listening_socket
from wxbus.runtime.watchdog import watched_loop
from wxbus_ingress.app import build_app
from wxbus_ingress.callbacks.ip_allowlist import IpAllowlist
from wxbus_ingress.http.admission import limit_connections
from wxbus_ingress.http.server import serving
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.publishing.orphaned_spools import drain_orphaned, find_orphaned
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import IngressSettings
from wxbus_ingress.spool.location import spool_path
from wxbus_ingress.spool.spool import Spool

GRACE = 1.0
"""Seconds beyond its budget that a request in flight gets when the process stops."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessSlot:
    """The number of this process among several."""

    number: int = 0
    processes: int = 1
    listener: socket.socket | None = None
    """The socket that all processes share; None: this process opens one."""


async def serve(
    settings: IngressSettings,
    slot: ProcessSlot | None = None,
    *,
    registry: CollectorRegistry = REGISTRY,
) -> None:
    """Receive callbacks until SIGTERM or SIGINT; a second signal ends the process at once.

    Args:
        settings: All settings.
        slot: The number of the process among several; None: it is the only one.
        registry: Holds the metrics.

    Raises:
        ConfigurationError: The accounts file, the broker's address, the spool or a port cannot be used, or a demo
            secret would protect a real account.
    """
    slot = slot or ProcessSlot()
    accounts = AccountsFile(settings.accounts.accounts_file, registry=registry)
    reject_demo_secrets(
        [settings.wechat.wechat_api_url],
        urls={"WXBUS_AMQP_URL": settings.bus.amqp_url.get_secret_value()},
        accounts=accounts.current,
    )
    accounts.require(Accounts.check_replies)
    stopping = stop_signal()
    pending = PendingAnswers()
    metrics = SpoolMetrics(registry)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(watched_loop(registry=registry))
        name = f"ingress@{socket.gethostname()}:{os.getpid()}"
        url = settings.bus.amqp_url.get_secret_value()
        publisher = await enter(Publisher.open(url, settings.bus.topology, name=name, answers=pending))
        spool = await enter(Spool.open(spool_path(settings.spool_folder, slot.number), settings.spool))
        metrics.observe(spool)
        spooling = await enter(SpoolingPublisher.open(publisher, spool, settings.limits, metrics, pending))
        if slot.number == 0 and (orphaned := find_orphaned(settings.spool_folder, processes=slot.processes)):
            await enter(background(drain_orphaned(orphaned, publisher, settings.spool, metrics)))
        ip_allowlist = await enter(IpAllowlist.open(settings.ip_allowlist, settings.wechat, accounts))
        app = build_app(
            limit_connections(settings.limits),
            accounts.current,
            spooling,
            on_change=accounts.on_change,
            ip_allowlist=ip_allowlist,
            pending=pending,
            registry=registry,
        )
        await enter(accounts.watching())
        informational = {"rabbitmq": publisher.check, "spool": spool.check, "accounts": accounts.check}
        if ip_allowlist:
            informational["ip_allowlist"] = ip_allowlist.check_freshness
        admin = build_admin({"callbacks": spooling.check}, informational=informational, registry=registry)
        listener = slot.listener or listening_socket(settings.host, settings.port)
        admin_port = port_for_process(settings.admin_port, slot.number)
        admin_port = await enter(listening(admin, host=settings.admin_host, port=admin_port))
        port = await enter(serving(app, listener, grace=settings.limits.budget + GRACE))
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
