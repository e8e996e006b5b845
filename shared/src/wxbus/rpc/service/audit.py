"""Who called what, how it ended and how long it took: one line and one count for each call."""

import logging
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter

from wxbus.aio.buckets import Buckets
from wxbus.rpc.service.call import Answer, Call
from wxbus.rpc.service.declaration import Method

log = structlog.get_logger("wxbus.rpc")


LINES: Final = 50
"""Lines of refused calls at once."""
LINES_PER_SECOND: Final = 5.0
"""How many there may be after that."""


class Audit:
    """Notes who called what, how it ended and how long it took; never what was in it."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        unlogged: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Of the methods in `unlogged`, `service.method`, calls that succeed are counted and not logged.

        Refused calls of one caller, and those of all who are not known, have a bounded rate of lines.
        """
        self._calls = Counter(
            "wxbus_rpc_calls_total",
            "RPC calls by method and status",
            ["service", "method", "status"],
            registry=registry,
        )
        self._counters: dict[tuple[str, str, int], Counter] = {}
        """Finding one by its labels costs as much as the rest of the stage."""
        self._unlogged = Counter(
            "wxbus_rpc_refusals_unlogged_total",
            "Refused RPC calls without a log line of their own, for there were too many",
            registry=registry,
        )
        self._lines: Buckets[str] = Buckets(LINES_PER_SECOND, LINES, clock=clock)
        self._left_out: dict[str, int] = {}
        """Lines of each caller since its last one."""
        self._log = log.bind()
        self._quiet = frozenset(tuple(name.split(".")) for name in unlogged)

    def __call__(self, call: Call, answer: Answer, seconds: float) -> None:
        """Note a call that was answered, or refused."""
        self._counter(call.method, answer.status).inc()
        if not self._log.is_enabled_for(logging.INFO):
            return
        if answer.status == 200 and self._quiet and (call.service, call.name) in self._quiet:
            return
        more = {}
        if answer.status != 200:
            name = call.principal.name if call.principal else ""
            if self._lines.take(name):
                self._left_out[name] = self._left_out.get(name, 0) + 1
                self._unlogged.inc()
                return
            if left_out := self._left_out.pop(name, 0):
                more = {"unlogged_refusals": left_out}
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

    def _counter(self, known: Method | None, status: int) -> Counter:
        # What a caller made up is no label: it would grow without bound.
        key = (known.service, known.name, status) if known else ("-", "-", status)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._calls.labels(*map(str, key))
        return counter


def _resources(call: Call) -> list[str] | None:
    """What the call was about: the values of the fields that its scopes name."""
    if call.method is None or call.request is None:
        return None
    return sorted({str(getattr(call.request, name)) for needed in call.method.scopes for name in needed.fields})
