"""Sending traces and logs to a collector."""

import socket
from collections.abc import Sequence

import pytest
import structlog
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from structlog.testing import capture_logs

from wxbus.config.settings import LogSettings, TelemetrySettings, load
from wxbus.errors import ConfigurationError
from wxbus.runtime import telemetry
from wxbus.runtime.logs import configure
from wxbus.runtime.otlp import LogExport, ReportingExporter, tracer_provider
from wxbus.runtime.redaction import log_scope

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_nothing_is_sent_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an endpoint, with an empty one, and with the SDK disabled nothing is started."""
    assert telemetry.start(load(TelemetrySettings), service="worker") is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    assert telemetry.start(load(TelemetrySettings), service="worker") is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert telemetry.start(load(TelemetrySettings), service="worker") is None


def test_endpoints_are_those_of_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths of both signals are below the endpoint, unless a signal has an endpoint of its own."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")
    settings = load(TelemetrySettings)
    assert (settings.traces_url, settings.logs_url) == (
        "http://collector:4318/v1/traces",
        "http://collector:4318/v1/logs",
    )
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://tempo/otlp/v1/traces")
    settings = load(TelemetrySettings)
    assert (settings.traces_url, settings.logs_url) == ("https://tempo/otlp/v1/traces", None)


def test_wrong_values_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that is no address, and a time-out in milliseconds, stop the start."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "10000")
    with pytest.raises(ConfigurationError) as raised:
        load(TelemetrySettings)
    assert {line.partition(":")[0] for line in str(raised.value).splitlines()} == {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    }


class Collector:
    """An exporter to a collector whose answer a test sets."""

    def __init__(self) -> None:
        self.answer = True
        self.batches = 0

    def export(self, batch: Sequence[str], /) -> bool:
        """Count the batch."""
        assert batch
        self.batches += 1
        return self.answer

    def shutdown(self) -> None:
        """Do nothing."""


def test_a_lost_collector_is_logged_once() -> None:
    """One line when it is lost, one when it is found; each lost batch would be a line otherwise."""
    collector = Collector()
    exporter = ReportingExporter(collector, "spans", success=True)
    with capture_logs() as logs:
        for collector.answer in (True, False, False, True, True):
            exporter.export(["span"])
    assert [(line["event"], line["signal"]) for line in logs] == [
        ("telemetry.not_exported", "spans"),
        ("telemetry.exported_again", "spans"),
    ]


def test_a_lost_collector_does_not_delay_the_end() -> None:
    """While the process ends, nothing is sent to a collector that did not answer last; one that did gets the rest."""
    collector = Collector()
    exporter = ReportingExporter(collector, "spans", success=True)
    exporter.ending = True
    exporter.export(["rest"])
    assert collector.batches == 1
    collector.answer = False
    with capture_logs() as logs:
        for _ in range(5):
            exporter.export(["rest"])
    assert collector.batches == 2
    assert logs == [], "it stops with the services"


def test_a_collector_that_never_answers_delays_nothing() -> None:
    """Spans beyond the queue are dropped, not waited for; the collector has the first batch and answers it never."""
    with socket.create_server(("127.0.0.1", 0)) as collector:
        port = collector.getsockname()[1]
        provider = tracer_provider(f"http://127.0.0.1:{port}/v1/traces", 0.5, Resource.create({}))
        tracer = provider.get_tracer("test")
        for _ in range(600):  # more than a batch
            tracer.start_span("step").end()
        connection, _ = collector.accept()
        with connection:
            assert connection.recv(1)
            for _ in range(2_500):  # more than the queue; this thread never waits
                tracer.start_span("step").end()
            provider.shutdown()


@pytest.mark.usefixtures("logging_as_before")
def test_exported_events_are_redacted_and_belong_to_their_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """A log record has what the line has: no secrets, no quotations of users, the ids of the message."""
    exported = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call] # of OpenTelemetry
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exported))
    configure(LogSettings(), service="worker", export=LogExport(provider))
    with log_scope(lambda: ["my secret wish 4711"], lambda: {"message_id": "m1", "trace_id": TRACE_ID}):
        structlog.get_logger().warning(
            "delivery.failed", error="got 'my secret wish 4711'", access_token="hunter2", n=3
        )
    (record,) = [one.log_record for one in exported.get_finished_logs()]
    assert (record.body, record.severity_text, f"{record.trace_id:032x}") == ("delivery.failed", "warning", TRACE_ID)
    assert dict(record.attributes or {}) == {
        "error": "got '***'",
        "access_token": "***",
        "n": 3,
        "message_id": "m1",
        "service": "worker",
    }
    assert "delivery.failed" in capsys.readouterr().err
