"""Structured logs: an event name and fields, one JSON object a line, secrets and users' texts redacted."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from wxbus.config.settings import LogSettings
from wxbus.runtime.redaction import BLANK, redact_quotes, redacted_traceback, scope_fields
from wxbus.runtime.secret_names import is_secret_name

SECRET_IN_URL = re.compile(r"(_token|secret|js_code|ticket|auth_code|authorization_code)=[^&\s\"']+", re.IGNORECASE)
PASSWORD_IN_URL = re.compile(r"(\w+://[^:/@\s]*):[^@\s]+@")
UNQUOTED = frozenset(
    {"event", "level", "timestamp", "service", "message_id", "trace_id", "handler", "code", "exception"}
)
"""Fields without users' texts, so a user cannot hide a line by sending its values. Exceptions are already redacted."""


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact fields with a secret's name, secrets in addresses, and quotations of users' texts."""
    for name, value in event.items():
        if not isinstance(value, str):
            continue
        if name != "event" and is_secret_name(name):
            event[name] = BLANK
        else:
            event[name] = _without_secrets(value) if name in UNQUOTED else redact_text(value)
    return event


def add_scope_fields(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the fields of the current log scope, for example the ids of the message that is handled."""
    for name, value in scope_fields().items():
        event.setdefault(name, value)
    return event


def redact_text(text: str) -> str:
    """Return `text` without secrets in addresses (protocol reference 13, trap 10) and quotations of users' texts."""
    return redact_quotes(_without_secrets(text))


def redact_traceback(error: BaseException) -> str:
    """Return the traceback of an error with its code unchanged and its messages redacted as by `redact_text`."""
    return _without_secrets(redacted_traceback(error))


def _without_secrets(text: str) -> str:
    if "=" in text:  # most texts have none, and every line of every log is checked
        text = SECRET_IN_URL.sub(rf"\1={BLANK}", text)
    return PASSWORD_IN_URL.sub(rf"\1:{BLANK}@", text) if "://" in text else text


def configure(settings: LogSettings, *, service: str, export: structlog.typing.Processor | None = None) -> None:
    """Send all logs, those of libraries too, to standard error in the format of the settings, and to `export`."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_scope_fields,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = getattr(logging, settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(lambda exc_info: redacted_traceback(exc_info[1])),
                redact_event,
                *([export] if export else ()),
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for verbose in ("aio_pika", "aiohttp.access", "aiosqlite", "watchfiles"):  # aiosqlite logs the data of users
        logging.getLogger(verbose).setLevel(max(level, logging.WARNING))
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # its failures are raised, and logged by the caller
    structlog.contextvars.bind_contextvars(service=service)
