"""Listens, and stops without dropping a request that is being answered."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts import Accounts
from wxbus.admin import build_admin, listening
from wxbus.bus.publisher import Publisher
from wxbus.errors import ConfigurationError
from wxbus_ingress.app import build_app
from wxbus_ingress.handover import Handover
from wxbus_ingress.http import bound, serving
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.settings import IngressSettings
from wxbus_ingress.spool import Spool
from wxbus_ingress.spool_opening import file_of

GRACE = 1.0
"""Seconds beyond the budget that a request in flight gets when we stop."""

log = structlog.stdlib.get_logger(__name__)


async def serve(settings: IngressSettings, *, registry: CollectorRegistry = REGISTRY) -> None:
    """Take callbacks until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises:
        ConfigurationError: The accounts file, the broker's address, the spool or a port cannot be used.
    """
    accounts = Accounts.read(settings.accounts.accounts_file)
    stopping = _stop_signal()
    metrics = SpoolMetrics(registry)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(
            Publisher.open(
                settings.bus.amqp_url.get_secret_value(),
                settings.bus.topology,
                name=f"ingress@{socket.gethostname()}:{os.getpid()}",
            )
        )
        spool = await stack.enter_async_context(Spool.open(file_of(settings.spool_folder, 0), settings.spool))
        metrics.watch(spool)
        handover = await stack.enter_async_context(Handover.open(publisher, spool, settings.limits, metrics))
        app = build_app(settings.limits, accounts, handover, registry=registry)
        admin = build_admin(
            {"callbacks": handover.check}, told={"rabbitmq": publisher.check, "spool": spool.check}, registry=registry
        )
        try:
            admin_port = await stack.enter_async_context(
                listening(admin, host=settings.admin_host, port=settings.admin_port)
            )
            port = await stack.enter_async_context(
                serving(app, bound(settings.host, settings.port), grace=settings.limits.budget + GRACE)
            )
        except OSError as exc:
            raise ConfigurationError(
                f"cannot listen on {settings.host}:{settings.port} and {settings.admin_host}:{settings.admin_port}: "
                f"{exc.strerror or exc}"
            ) from exc
        log.info(
            "ingress.listening",
            port=port,
            admin_port=admin_port,
            accounts=len(accounts),
            spool=str(spool.path),
            spooled=spool.rows,
        )
        await stopping.wait()
        log.info("ingress.stopping")
    log.info("ingress.stopped")


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping
