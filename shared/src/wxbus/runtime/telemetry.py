"""Whether this process sends traces and logs to an OpenTelemetry collector (decision 0049)."""

import structlog

from wxbus.config.settings import TelemetrySettings


def start(settings: TelemetrySettings, *, service: str) -> structlog.typing.Processor | None:
    """Start to export the spans of this process; return the exporter of log events, None if it is off."""
    if settings.sdk_disabled or not (settings.traces_url or settings.logs_url):
        return None
    from wxbus.runtime import otlp  # noqa: PLC0415 - a process without a collector does not load the SDK

    return otlp.start(settings, service=service)
