"""Traces a delivery: binds ids to its log lines, keeps its text out of them, continues its trace, measures its time."""

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Final

from wxbus.errors import UnreadableEnvelope
from wxbus.runtime.redaction import log_scope
from wxbus.telemetry import NOT_RECORDED, Step, is_traced, new_traceparent, past_step, span, trace_id
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.delivery.stage import Next
from wxbus_worker.metrics import WorkerMetrics

LOGGABLE: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId"})
"""Fields that identify the message and have none of its content."""


class Trace:
    """Runs the rest inside a log context and a span, and counts the outcome."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics
        self._traced = is_traced()

    async def __call__(self, job: Job, call_next: Next[Job]) -> Settlement:
        """Run the rest."""
        try:
            envelope = job.delivery.envelope()
            traceparent, message_id = envelope.traceparent, envelope.id
        except UnreadableEnvelope:  # decode raises it again
            traceparent, message_id = new_traceparent(), ""
        started = time.perf_counter()

        def fields() -> dict[str, str]:
            return {"message_id": message_id, "trace_id": trace_id(traceparent)}

        with self._span(job, traceparent) as current, log_scope(partial(_content, job), fields):
            if current.recorded:
                past_step("worker.wait", time.monotonic() - job.delivery.arrived)
            settlement = await call_next(job)
            if current.recorded:
                current.set(wxbus__outcome=settlement.outcome)
        self._metrics.settled(settlement.outcome, time.perf_counter() - started)
        return settlement

    def _span(self, job: Job, traceparent: str) -> Step:
        if not self._traced:
            return NOT_RECORDED
        current = span("worker.delivery", traceparent, wxbus__partition=job.delivery.partition)
        current.set(wxbus__redelivered=job.delivery.redelivered)
        with suppress(UnreadableEnvelope):
            envelope = job.delivery.envelope()
            current.set(wxbus__kind=envelope.kind, wxbus__attempt=job.attempt, messaging__message__id=envelope.id)
        return current


def _content(job: Job) -> Iterator[str]:
    """Yield the texts of the message."""
    for name, value in job.document.items():
        if name not in LOGGABLE:
            yield from _texts(value)
    yield from _texts(job.private)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
