"""Runs several processes behind one port.

They share only the listening socket: each process has its own connection to RabbitMQ, spool and admin port.
"""

from functools import partial

import structlog
import uvloop

from wxbus.config.settings import load
from wxbus.runtime import logs, telemetry
from wxbus.runtime.processes import supervise
from wxbus.runtime.sockets import listening_socket
from wxbus_ingress.server import GRACE, ProcessSlot, serve
from wxbus_ingress.settings import IngressSettings

STOP_GRACE = 5.0
"""Seconds after the end of the grace period at which a process is killed."""

log = structlog.stdlib.get_logger(__name__)


async def serve_with(settings: IngressSettings, processes: int) -> None:
    """Receive callbacks with several processes until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: The port is in use, or a process cannot start with these settings.
    """
    with listening_socket(settings.host, settings.port) as listener:
        log.info("ingress.starting", processes=processes, port=listener.getsockname()[1])
        slots = [ProcessSlot(number, processes, listener) for number in range(processes)]
        await supervise([partial(_serve, slot) for slot in slots], grace=settings.limits.budget + GRACE + STOP_GRACE)


def _serve(slot: ProcessSlot) -> None:
    """Run one process."""
    settings = load(IngressSettings)
    export = telemetry.start(settings.telemetry, service="ingress")
    logs.configure(settings.log, service="ingress", export=export)
    structlog.contextvars.bind_contextvars(process=slot.number)
    uvloop.run(serve(settings, slot))
