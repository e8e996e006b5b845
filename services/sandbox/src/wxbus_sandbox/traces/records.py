"""Spans and log lines, as the page shows them."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Attributes: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A step of a service."""

    trace_id: str
    span_id: str
    parent_id: str
    """"" for the root span."""
    name: str
    service: str
    process: str
    """Id of the process, "" if unknown."""
    start: float
    """Seconds since the epoch, as `end`."""
    end: float
    error: str = ""
    """Why the step failed; "" if it did not."""
    attributes: Attributes = field(default_factory=dict)
    events: tuple[tuple[float, str], ...] = ()
    """Times and names of the span's events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A log event about a message."""

    trace_id: str
    time: float
    """Seconds since the epoch."""
    level: str
    service: str
    process: str
    event: str
    fields: Attributes = field(default_factory=dict)
