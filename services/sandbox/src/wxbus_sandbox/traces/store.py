"""The last traces, in bounded memory."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from wxbus_sandbox.traces.records import LogLine, Span

TRACES: Final = 1_000
RECORDS: Final = 1_000
"""Spans and log lines of one trace."""
BYTES: Final = 64 * 1024 * 1024
"""Approximate size of all traces in bytes."""
OVERHEAD: Final = 400
"""Bytes of a record besides its texts."""


@dataclass(slots=True)
class Trace:
    """The steps and the log of one message."""

    spans: dict[str, Span] = field(default_factory=dict)
    """By span id: an exporter may repeat a request."""
    logs: list[LogLine] = field(default_factory=list)
    size: int = 0
    left_out: int = 0
    """Records above the limit."""
    revision: int = 0
    """Grows with each change."""


class Traces:
    """Traces by their id; the trace that has waited longest for a record is dropped first."""

    def __init__(self, *, traces: int = TRACES, records: int = RECORDS, size: int = BYTES) -> None:
        self._limits = (traces, records, size)
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._size = 0
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, records: Iterable[Span | LogLine]) -> None:
        """Add records to their traces."""
        most, per_trace, size = self._limits
        for record in records:
            trace = self._traces.setdefault(record.trace_id, Trace())
            self._traces.move_to_end(record.trace_id)
            trace.revision += 1
            if len(trace.spans) + len(trace.logs) >= per_trace:
                trace.left_out += 1
                continue
            if isinstance(record, Span):
                trace.spans[record.span_id] = record
            else:
                trace.logs.append(record)
            cost = _size(record)
            trace.size += cost
            self._size += cost
        while len(self._traces) > most or (self._size > size and len(self._traces) > 1):
            _, dropped = self._traces.popitem(last=False)
            self._size -= dropped.size
        self._changed.set()
        self._changed = asyncio.Event()

    def shown(self, trace_id: str) -> dict[str, Any]:
        """Return a trace for the page, with its steps sorted by start; an empty trace for an unknown id."""
        trace = self._traces.get(trace_id, Trace())
        return {
            "trace_id": trace_id,
            "revision": trace.revision,
            "left_out": trace.left_out,
            "spans": [asdict(span) for span in sorted(trace.spans.values(), key=lambda span: (span.start, -span.end))],
            "logs": [asdict(line) for line in sorted(trace.logs, key=lambda line: line.time)],
        }

    async def wait(self, trace_id: str, *, seen: int, timeout: float) -> None:
        """Return once the trace has another revision than `seen`, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not self._closed and self._traces.get(trace_id, Trace()).revision == seen:
                    await self._changed.wait()
        except TimeoutError:
            pass

    def reset(self) -> None:
        """Remove all traces."""
        self._traces.clear()
        self._size = 0
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """End all waits."""
        self._closed = True
        self._changed.set()


def _size(record: Span | LogLine) -> int:
    """Return about how many bytes a record takes: an exact figure would cost more than the rest of the work."""
    fields = record.attributes if isinstance(record, Span) else record.fields
    return OVERHEAD + sum(
        len(name) + len(value if isinstance(value, str) else str(value)) for name, value in fields.items()
    )
