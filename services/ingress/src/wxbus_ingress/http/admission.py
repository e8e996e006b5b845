"""How much ingress has in hand at once: connections, and bytes of bodies whose requests are not answered yet."""

import resource
from collections import Counter

import structlog

from wxbus.errors import Overloaded
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.settings import Limits

SURPLUS = 64
"""Connections above the limit that are told so; further ones are closed without a word."""
OTHER_FILES = 128
"""Open files that are no connection of WeChat's: admin port, RabbitMQ, spool, logs."""

LARGE = 64 * 1024
"""Bytes above which a body is large: WeChat's have a few kilobytes. Large ones never take the place of the others."""
LARGE_SHARE = 2
"""All large bodies together may take this part of the limit of all bodies: a half."""
ADDRESS_SHARE = 4
"""The large bodies of one address: a quarter."""

log = structlog.stdlib.get_logger(__name__)


class Admission:
    """Counts what is in hand, and says what is too much."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._refused = metrics.connections_refused
        self._body_bytes = 0
        self._large_bytes: Counter[str] = Counter()
        """Of large bodies, by the address they come from."""
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

    def resize_body(self, before: int, after: int, remote: str | None) -> None:
        """Count `after` bytes for a body that counted for `before`; `remote` is the address it comes from.

        Raises:
            Overloaded: That is too much; one body alone never is. Nothing is changed.
        """
        if after > before:
            self._check(before, after, remote or "")
        self._body_bytes += after - before
        for size, sign in ((before, -1), (after, 1)):
            if size > LARGE:
                self._large_bytes[remote or ""] += sign * size
        if before > LARGE and not self._large_bytes[remote or ""]:
            del self._large_bytes[remote or ""]

    def _check(self, before: int, after: int, remote: str) -> None:
        limit = self._limits.bodies_limit
        bounds = [("bodies", self._body_bytes - before, limit)]
        if after > LARGE:
            held = before if before > LARGE else 0
            bounds += [
                ("large bodies", self._large_bytes.total() - held, limit // LARGE_SHARE),
                (f"large bodies of {remote}", self._large_bytes[remote] - held, limit // ADDRESS_SHARE),
            ]
        for what, others, bound in bounds:
            if others and others + after > bound:
                raise Overloaded(f"{what} take {others} bytes, the limit is {bound}")


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
