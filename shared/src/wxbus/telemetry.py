"""Traces: every message carries a W3C `traceparent` from the callback to the reply.

With an OpenTelemetry SDK (`wxbus.runtime.telemetry`) each step is a span. Without one only the trace id is carried, for
the logs, and a step costs a look-up.
"""

import os
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, TypeAlias

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("wxbus")
_RECORDING: ContextVar[bool] = ContextVar("wxbus_recording", default=False)

Value: TypeAlias = str | int | float | bool


def new_traceparent() -> str:
    """Return the trace context of a new trace."""
    digits = os.urandom(24).hex()
    return f"00-{digits[:32]}-{digits[32:]}-01"


def trace_id(traceparent: str) -> str:
    """Return the trace id of 32 digits, or "" if `traceparent` is malformed."""
    match = TRACEPARENT.match(traceparent)
    return match[1] if match else ""


class Step:
    """A step that is not recorded; the block of a recorded step becomes a span."""

    __slots__ = ("_traceparent",)

    recorded = False

    def __init__(self, traceparent: str = "") -> None:
        self._traceparent = traceparent

    @property
    def traceparent(self) -> str:
        """Return the trace context for messages of the block; "" if the step is not recorded: the caller's applies."""
        return self._traceparent

    def __enter__(self) -> "Step":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def set(self, **attributes: Value) -> None:
        """Add attributes; `__` in a name is a dot."""

    def fail(self, reason: str) -> None:
        """Mark the step as failed although its block ends without an error."""


class _RecordedStep(Step):
    """A step that becomes a span; its error is recorded by type only, because texts of errors may quote users."""

    __slots__ = ("_context", "_recording", "_span", "_token")

    recorded = True
    _token: "Token[Context]"
    _recording: "Token[bool]"

    def __init__(self, span: trace.Span) -> None:
        super().__init__()
        self._span = span
        self._context = trace.set_span_in_context(span)

    @property
    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, self._context)
        return carrier.get("traceparent", "")

    def __enter__(self) -> Step:
        self._token = context.attach(self._context)
        self._recording = _RECORDING.set(self._span.is_recording())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        _RECORDING.reset(self._recording)
        context.detach(self._token)
        self._span.end()

    def set(self, **attributes: Value) -> None:
        self._span.set_attributes(_named(attributes))

    def fail(self, reason: str) -> None:
        self._span.set_attribute("error.type", reason)
        self._span.set_status(Status(StatusCode.ERROR, reason))


NOT_RECORDED: Final = Step()


def is_traced() -> bool:
    """Return whether the process has an SDK; it is set before the services are built."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def span(name: str, traceparent: str, *, kind: SpanKind = SpanKind.CONSUMER, **attributes: Value) -> Step:
    """Return the first step of this process in the trace of `traceparent`, in a new trace if that is ""."""
    if not is_traced():  # spans would only cost time
        return Step(traceparent)
    parent = _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, Context())
    return _RecordedStep(_TRACER.start_span(name, parent, kind, _named(attributes)))


def step(name: str, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: Value) -> Step:
    """Return a step inside the current step; it is recorded only if the current step is."""
    if not _RECORDING.get():
        return NOT_RECORDED
    return _RecordedStep(_TRACER.start_span(name, kind=kind, attributes=_named(attributes)))


def past_step(name: str, seconds: float, **attributes: Value) -> None:
    """Record a step that began `seconds` ago and ends now."""
    if _RECORDING.get():
        began = time.time_ns() - int(seconds * 1e9)
        _TRACER.start_span(name, attributes=_named(attributes), start_time=began).end()


def mark(name: str) -> None:
    """Record a moment of the current step."""
    if _RECORDING.get():
        trace.get_current_span().add_event(name)


def current_traceparent() -> str:
    """Return the trace context of the current step, for a request that it makes; "" if it is not recorded."""
    if not _RECORDING.get():
        return ""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
