"""Outermost: every log line of a delivery has its ids, its time is measured, its trace goes on."""

import time

import structlog

from wxbus.errors import UnreadableEnvelope
from wxbus.telemetry import new_traceparent, span, trace_id
from wxbus_worker.job import Job
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.pipeline import Next
from wxbus_worker.settlement import Settlement


class Trace:
    """Binds the log context and a span around the rest, and counts how it ended."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest inside."""
        try:
            envelope = job.delivery.envelope()
            traceparent, message_id = envelope.traceparent, envelope.id
        except UnreadableEnvelope:  # decode says so, below
            traceparent, message_id = new_traceparent(), ""
        started = time.perf_counter()
        with (
            span("wxbus_worker.handle", traceparent),
            structlog.contextvars.bound_contextvars(message_id=message_id, trace_id=trace_id(traceparent)),
        ):
            settlement = await call_next(job)
        self._metrics.ended(settlement, time.perf_counter() - started)
        return settlement
