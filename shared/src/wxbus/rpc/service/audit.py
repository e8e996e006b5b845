"""The audit log: one line and one count for each call."""

import logging
import time
from collections.abc import Callable, Collection
from functools import lru_cache

import structlog
from prometheus_client import CollectorRegistry, Counter

from wxbus.rpc.service.call import Answer, Call
from wxbus.runtime.log_limit import LogLimit

log = structlog.get_logger("wxbus.rpc")


class Audit:
    """Logs caller, method, resource, status and duration of each call; never its content."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        unlogged: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Successful calls of the methods in `unlogged`, `service.method`, are counted and not logged.

        The lines about refused calls are limited for each caller, and for all unauthenticated callers together.
        """
        calls = Counter(
            "wxbus_rpc_calls_total",
            "RPC calls by method and status",
            ["service", "method", "status"],
            registry=registry,
        )
        # Finding a counter by its labels costs as much as the rest of the audit.
        self._counter = lru_cache(maxsize=4096)(calls.labels)
        self._unlogged_refusals = Counter(
            "wxbus_rpc_refusals_unlogged_total",
            "Refused RPC calls over the limit of log lines",
            registry=registry,
        )
        self._limit: LogLimit[str] = LogLimit(clock=clock)
        self._log = log.bind()
        self._unlogged = frozenset(tuple(name.split(".")) for name in unlogged)

    def __call__(self, call: Call, answer: Answer, seconds: float) -> None:
        """Log and count a call that was answered or refused."""
        # Unknown names are not labels: callers could create any number of them.
        known = (call.method.service, call.method.name) if call.method else ("-", "-")
        self._counter(*known, str(answer.status)).inc()
        if not self._log.is_enabled_for(logging.INFO):
            return
        more = {}
        if answer.status != 200:
            unlogged = self._limit.take(call.principal.name if call.principal else "")
            if unlogged is None:
                self._unlogged_refusals.inc()
                return
            if unlogged:
                more = {"unlogged_refusals": unlogged}
        elif self._unlogged and (call.service, call.name) in self._unlogged:
            return
        self._log.info(
            "rpc.call",
            service_name=call.service[:64],
            method=call.name[:64],
            principal=call.principal.name if call.principal else None,
            key=call.principal.key if call.principal else None,
            resource=_resources(call),
            status=answer.status,
            ms=round(seconds * 1000, 2),
            **more,
        )


def _resources(call: Call) -> list[str] | None:
    """Return the values of the request's fields that the method's scopes name."""
    if call.method is None or call.request is None:
        return None
    return sorted({str(getattr(call.request, name)) for scope in call.method.scopes for name in scope.fields})
