"""Several processes behind one port, for machines with more than one core.

They share the listening socket and nothing else: each has its own connection to RabbitMQ, its own spool and its own
admin port.
"""

from functools import partial

import structlog
import uvloop

from wxbus.config.settings import load
from wxbus.runtime import logs
from wxbus.runtime.processes import supervise
from wxbus.runtime.sockets import listening_socket
from wxbus_ingress.server import GRACE, Place, serve
from wxbus_ingress.settings import IngressSettings

STOP_GRACE = 5.0
"""Seconds beyond the grace of requests in flight after which a process is killed."""

log = structlog.stdlib.get_logger(__name__)


async def serve_with(settings: IngressSettings, processes: int) -> None:
    """Take callbacks with so many processes until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: The port is taken, or a process cannot start with these settings.
    """
    with listening_socket(settings.host, settings.port) as listener:
        log.info("ingress.starting", processes=processes, port=listener.getsockname()[1])
        places = [Place(number, processes, listener) for number in range(processes)]
        await supervise([partial(_serve, place) for place in places], grace=settings.limits.budget + GRACE + STOP_GRACE)


def _serve(place: Place) -> None:
    """Be one of the processes."""
    settings = load(IngressSettings)
    logs.configure(settings.log, service="ingress")
    structlog.contextvars.bind_contextvars(process=place.number)
    uvloop.run(serve(settings, place))
