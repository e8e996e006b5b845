"""Outermost: each log line of a delivery has its ids and none of its words, its time is measured, its trace goes on."""

import time
from collections.abc import Iterator
from typing import Final

import structlog

from wxbus.errors import UnreadableEnvelope
from wxbus.runtime.redaction import redacting
from wxbus.telemetry import new_traceparent, span, trace_id
from wxbus.wechat.documents.document import Value
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.metrics import WorkerMetrics

NO_WORDS: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId"})
"""Fields that say which message it is, not what is in it: they may be shown."""


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
            redacting(lambda: _words(job)),
        ):
            settlement = await call_next(job)
        self._metrics.ended(settlement, time.perf_counter() - started)
        return settlement


def _words(job: Job) -> Iterator[str]:
    """Yield what the message says; nothing before it was decoded."""
    for name, value in getattr(job, "document", {}).items():
        if name not in NO_WORDS:
            yield from _texts(value)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        return
    for inner in value.values() if isinstance(value, dict) else value:
        yield from _texts(inner)
