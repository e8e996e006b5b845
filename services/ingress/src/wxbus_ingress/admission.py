"""How much ingress has in hand at once: connections, and bytes of bodies whose requests are not answered yet."""

import resource

import structlog

from wxbus.errors import Crowded
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.settings import Limits

SURPLUS = 64
"""Connections above the limit that are told so; further ones are closed without a word."""
OTHER_FILES = 128
"""Open files that are no connection of WeChat's: admin port, RabbitMQ, spool, logs."""

log = structlog.stdlib.get_logger(__name__)


class Admission:
    """Counts what is in hand, and says what is too much."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._refused = metrics.connections_refused
        self._body_bytes = 0
        self.connections = 0
        """Those that are served."""
        self.surplus = 0
        """Those that are being refused."""
        metrics.connections.set_function(lambda: self.connections)
        metrics.body_bytes.set_function(lambda: self._body_bytes)

    def takes_connection(self) -> bool:
        """Return whether one more may be served; counts it if not."""
        if self.connections < self._limits.connections:
            return True
        self._refused.inc()
        return False

    def take_bytes(self, size: int) -> None:
        """Count `size` bytes more of bodies (or less).

        Raises:
            Crowded: All together would be over the limit; one body alone never is.
        """
        if size > 0 and self._body_bytes and self._body_bytes + size > self._limits.bodies_limit:
            raise Crowded(f"bodies of {self._body_bytes} bytes are in hand, the limit is {self._limits.bodies_limit}")
        self._body_bytes += size


def affordable(limits: Limits) -> Limits:
    """Return `limits` with no more connections than the system lets us have files; moves that limit as far as we may.

    Without files left nobody would be answered any more, the admin port included.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + SURPLUS + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == wanted:
        return limits
    connections = max(1, allowed - SURPLUS - OTHER_FILES)
    log.warning("ingress.fewer_connections", connections=connections, wanted=limits.connections, open_files=allowed)
    return limits.model_copy(update={"connections": connections})
