"""Listens, and stops without dropping a request that is being answered."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from wxbus.accounts import Accounts
from wxbus.admin import build_admin, listening
from wxbus.bus.publisher import Publisher
from wxbus.errors import ConfigurationError
from wxbus_ingress.app import build_app
from wxbus_ingress.settings import IngressSettings

KEEPALIVE = 15.0
"""Seconds; the only limit on idle connections and slow headers, 3,630 by default (broker notes 10)."""
LINGER = 2.0
"""Seconds in which the rest of a refused body is read, so that its sender sees the answer."""
GRACE = 1.0
"""Seconds beyond the budget that a request in flight gets when we stop."""

log = structlog.stdlib.get_logger(__name__)


async def serve(settings: IngressSettings) -> None:
    """Take callbacks until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises:
        ConfigurationError: The accounts file, the broker's address or a port cannot be used.
    """
    accounts = Accounts.read(settings.accounts.accounts_file)
    stopping = _stop_signal()
    async with Publisher.open(
        settings.bus.amqp_url.get_secret_value(),
        settings.bus.topology,
        name=f"ingress@{socket.gethostname()}:{os.getpid()}",
    ) as publisher:
        app = build_app(settings.limits, accounts, publisher)
        admin = build_admin({"rabbitmq": publisher.check})
        try:
            async with (
                listening(admin, host=settings.admin_host, port=settings.admin_port) as admin_port,
                serving(app, host=settings.host, port=settings.port, grace=settings.limits.budget + GRACE) as port,
            ):
                log.info("ingress.listening", port=port, admin_port=admin_port, accounts=len(accounts))
                await stopping.wait()
                log.info("ingress.stopping")
        except OSError as exc:
            raise ConfigurationError(
                f"cannot listen on {settings.host}:{settings.port} and {settings.admin_host}:{settings.admin_port}: "
                f"{exc.strerror or exc}"
            ) from exc
    log.info("ingress.stopped")


@asynccontextmanager
async def serving(app: web.Application, *, host: str, port: int, grace: float) -> AsyncIterator[int]:
    """Serve the public `app` while the block runs; yields the port (`port=0` takes a free one).

    At the end no new connection is taken, and requests in flight get `grace` seconds.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE,
        lingering_time=LINGER,
        auto_decompress=False,  # WeChat does not compress, and what is not unpacked cannot explode
        shutdown_timeout=grace,
        logger=_server_log(),
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


class _WithoutBytes(logging.Filter):
    """Logs what is not HTTP in one line: aiohttp's own has a trace and the bytes, which may hold a signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        exc = record.exc_info[1] if record.exc_info else None
        if isinstance(exc, HttpProcessingError):
            record.msg, record.args = f"{record.getMessage()}: {type(exc).__name__}", ()
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def _server_log() -> logging.Logger:
    server_log = logging.getLogger("wxbus_ingress.http")
    if not server_log.filters:
        server_log.addFilter(_WithoutBytes())
    return server_log


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
