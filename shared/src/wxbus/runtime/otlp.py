"""Sends traces and logs by OTLP over HTTP, with OpenTelemetry's SDK (decision 0049).

Threads of the SDK send the contents of bounded queues in memory. A slow or unavailable collector costs a service only
the records that the queues drop, and one log line.
"""

import atexit
import logging
import os
import socket
from collections.abc import MutableMapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from wxbus.config.settings import TelemetrySettings

T_contra = TypeVar("T_contra", contravariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

NOT_ATTRIBUTES: Final = frozenset({"event", "level", "timestamp", "trace_id"})
"""Fields of a log event that are not attributes of the log record."""
SEVERITIES: Final = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}

log = structlog.stdlib.get_logger(__name__)


class Exporter(Protocol[T_contra, R_co]):
    """Sends batches."""

    def export(self, batch: Sequence[T_contra], /) -> R_co:
        """Return whether the collector accepted the batch."""
        ...

    def shutdown(self) -> None:
        """End a pause between two repetitions."""
        ...


class ReportingExporter(Generic[T_contra, R]):
    """An exporter that logs when the collector fails and when it accepts batches again.

    While the process ends, it sends nothing to a collector that failed last, and logs no failure: a collector may stop
    together with the services.
    """

    def __init__(self, exporter: Exporter[T_contra, R], signal: str, success: R) -> None:
        self._exporter = exporter
        self._signal = signal
        self._success = success
        self._last = success
        self.ending = False

    def export(self, batch: Sequence[T_contra], /) -> R:
        """Return whether the collector accepted the batch."""
        if self.ending and self._last != self._success:
            return self._last
        before, self._last = self._last, self._exporter.export(batch)
        if before == self._success != self._last and not self.ending:
            log.warning("telemetry.not_exported", signal=self._signal, dropped=len(batch))
        elif before != self._success == self._last:
            log.info("telemetry.exported_again", signal=self._signal)
        return self._last

    def shutdown(self) -> None:
        """End a pause between two repetitions."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002 - the SDK's interface
        """Return at once: this exporter has no queue."""
        return True


class LogExport:
    """A processor of structlog that sends each event, redacted as it is written."""

    def __init__(self, provider: LoggerProvider) -> None:
        self._logger = provider.get_logger("wxbus")

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the event unchanged."""
        level = str(event.get("level", "info"))
        record = LogRecord(
            timestamp=int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1e9),
            context=_trace_of(str(event.get("trace_id", ""))),
            severity_text=level,
            severity_number=SEVERITIES.get(level, SeverityNumber.INFO),
            body=str(event.get("event", "")),
            attributes={
                name: value if isinstance(value, str | int | float | bool) else str(value)
                for name, value in event.items()
                if name not in NOT_ATTRIBUTES
            },
        )
        self._logger.emit(record)
        return event


def start(settings: TelemetrySettings, *, service: str) -> structlog.typing.Processor | None:
    """Start to export the spans of this process; return the exporter of log events, None if only spans are exported."""
    # They log each batch, which would be another batch of logs; `ReportingExporter` logs changes.
    for name in ("opentelemetry", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    resource = Resource.create(
        {
            "service.name": settings.service_name or f"wxbus-{service}",
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            "process.pid": os.getpid(),
        }
    )
    # A process that `opentelemetry-instrument` has started exports its spans already.
    if settings.traces_url and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(tracer_provider(settings.traces_url, settings.exporter_otlp_timeout, resource))
    if settings.logs_url is None:
        return None
    return LogExport(logger_provider(settings.logs_url, settings.exporter_otlp_timeout, resource))


def tracer_provider(url: str, timeout: float, resource: Resource) -> TracerProvider:
    """Return a provider that sends spans to `url`, within `timeout` seconds for one batch."""
    exporter = ReportingExporter(OTLPSpanExporter(endpoint=url, timeout=timeout), "spans", SpanExportResult.SUCCESS)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))  # type: ignore[arg-type] # has the methods called
    _at_exit(exporter, provider)
    return provider


def logger_provider(url: str, timeout: float, resource: Resource) -> LoggerProvider:
    """Return a provider that sends log records to `url`, within `timeout` seconds for one batch."""
    exporter = ReportingExporter(OTLPLogExporter(endpoint=url, timeout=timeout), "logs", LogRecordExportResult.SUCCESS)
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))  # type: ignore[arg-type] # has the methods called
    _at_exit(exporter, provider)
    return provider


def _at_exit(exporter: ReportingExporter[Any, Any], provider: TracerProvider | LoggerProvider) -> None:
    """Send the rest when the process ends; if the collector is unavailable, only wait for the batch in flight."""

    def end() -> None:
        exporter.ending = True
        provider.shutdown()

    atexit.register(end)


def _trace_of(trace_id: str) -> Context | None:
    """Return the trace of the message that the event is about; None: that of the current span."""
    if len(trace_id) != 32 or trace.get_current_span().get_span_context().is_valid:
        return None
    found = trace.SpanContext(int(trace_id, 16), 1, is_remote=True)
    return trace.set_span_in_context(trace.NonRecordingSpan(found), Context())
