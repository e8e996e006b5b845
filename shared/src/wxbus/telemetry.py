"""Traces: every message carries a W3C `traceparent` from the callback to the reply.

With an OpenTelemetry SDK each step is a span; without one only the trace id is carried, for the logs.
"""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("wxbus")


def new_traceparent() -> str:
    """Return the trace context of a new trace."""
    digits = os.urandom(24).hex()
    return f"00-{digits[:32]}-{digits[32:]}-01"


def trace_id(traceparent: str) -> str:
    """Return the trace id of 32 digits, or "" if `traceparent` is malformed."""
    match = TRACEPARENT.match(traceparent)
    return match[1] if match else ""


def span(name: str, traceparent: str) -> AbstractContextManager[str]:
    """Run the block as a child span of `traceparent`; yields the trace context for the next step."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):  # no SDK: spans would only cost time
        return nullcontext(traceparent)
    return _span(name, traceparent)


@contextmanager
def _span(name: str, traceparent: str) -> Iterator[str]:
    carrier: dict[str, str] = {"traceparent": traceparent}
    with _TRACER.start_as_current_span(name, context=_PROPAGATOR.extract(carrier)) as current:
        if not current.is_recording():
            yield traceparent
            return
        outgoing: dict[str, str] = {}
        _PROPAGATOR.inject(outgoing)
        yield outgoing.get("traceparent", traceparent)
