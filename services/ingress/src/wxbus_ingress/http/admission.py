"""Limits on concurrent work: connections, bytes of bodies, and costly bodies whose signature is not checked yet."""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

import structlog

from wxbus.errors import Overloaded
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.settings import Limits

REFUSED_CONNECTIONS: Final = 64
"""Connections above the limit that get a 503 response; further ones are closed without a response."""
OTHER_FILES: Final = 128
"""Open files besides connections from WeChat: admin port, RabbitMQ, spool, logs."""

LARGE_BODY: Final = 64 * 1024
"""Bytes above which a body is large: WeChat's have a few kilobytes. Large bodies never displace other bodies."""
LARGE_SHARE: Final = 2
"""All large bodies together may take this part of the limit of all bodies: a half."""
ADDRESS_SHARE: Final = 4
"""The large bodies of one address may take this part: a quarter."""
MARKUP: Final = b"<&,[{\\"
"""The characters that make a body slow to parse: elements, references, members, escapes."""
COSTLY_MARKUP: Final = 1_000
"""The number of these above which a body is costly, whatever its size: 20 KB of empty elements take 8 ms, and a usual
encrypted push has a dozen."""
COSTLY_BODY_PAUSE: Final = 2.0
"""The pause after a costly body as a multiple of its time: two thirds of the time remain for other requests."""

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


class Admission:
    """Counts connections and bytes of bodies, and refuses those above the limits."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._refused = metrics.connections_refused
        self._body_bytes = 0
        self._large_bytes: Counter[str] = Counter()
        """Bytes of large bodies by the address of their sender."""
        self.connections = 0
        """Connections that are served."""
        self.refused_connections = 0
        """Connections that are being refused."""
        metrics.connections.set_function(lambda: self.connections)
        metrics.body_bytes.set_function(lambda: self._body_bytes)

    def admits_connection(self) -> bool:
        """Return whether one more connection may be served; counts a refusal."""
        if self.connections < self._limits.max_connections:
            return True
        self._refused.inc()
        return False

    def resize_body(self, before: int, after: int, remote: str | None) -> None:
        """Change the counted bytes of a body from `before` to `after`; `remote` is the address of its sender.

        Raises:
            Overloaded: The limit is exceeded; nothing is changed. A single body never exceeds it.
        """
        if after > before:
            self._check(before, after, remote or "")
        self._body_bytes += after - before
        for size, sign in ((before, -1), (after, 1)):
            if size > LARGE_BODY:
                self._large_bytes[remote or ""] += sign * size
        if before > LARGE_BODY and not self._large_bytes[remote or ""]:
            del self._large_bytes[remote or ""]

    def _check(self, before: int, after: int, remote: str) -> None:
        limit = self._limits.total_body_limit
        bounds = [("bodies", self._body_bytes - before, limit)]
        if after > LARGE_BODY:
            counted = before if before > LARGE_BODY else 0
            bounds += [
                ("large bodies", self._large_bytes.total() - counted, limit // LARGE_SHARE),
                (f"large bodies of {remote}", self._large_bytes[remote] - counted, limit // ADDRESS_SHARE),
            ]
        for name, others, bound in bounds:
            if others and others + after > bound:
                raise Overloaded(f"{name} take {others} bytes, the limit is {bound}")


def is_costly(body: bytes) -> bool:
    """Return whether a body is large or slow to parse."""
    if len(body) <= COSTLY_MARKUP:
        return False
    return len(body) > LARGE_BODY or len(body) - len(body.translate(None, MARKUP)) > COSTLY_MARKUP


class CostlyBodyQueue:
    """Opens costly bodies one by one, with pauses: it is not known yet whether WeChat signed them."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, work: Callable[[], T], *, timeout: float) -> T:
        """Return the result of `work`, after that of earlier calls.

        Raises:
            Overloaded: Earlier calls took longer than `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._lock.acquire()
        except TimeoutError as exc:
            raise Overloaded("too many costly bodies wait for the check of their signatures") from exc
        start = perf_counter()
        try:
            return work()
        finally:
            asyncio.get_running_loop().call_later(COSTLY_BODY_PAUSE * (perf_counter() - start), self._lock.release)


def limit_connections(limits: Limits) -> Limits:
    """Return `limits` with no more connections than the limit of open files allows; raises that limit if it can.

    Without free file descriptors no port would accept connections, including the admin port.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.max_connections + REFUSED_CONNECTIONS + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == wanted:
        return limits
    connections = max(1, allowed - REFUSED_CONNECTIONS - OTHER_FILES)
    log.warning(
        "ingress.connections_limited", connections=connections, wanted=limits.max_connections, open_files=allowed
    )
    return limits.model_copy(update={"max_connections": connections})
