"""Reads OTLP requests (OpenTelemetry protocol 1, over HTTP): protobuf, or its JSON form."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from wxbus_sandbox.traces.records import Attributes, LogLine, Span

M = TypeVar("M", bound=Message)

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
"""OTLP's JSON has them in hexadecimal, where protobuf's own JSON has Base64."""
MAX_DEPTH: Final = 8
"""Of lists and maps in an attribute."""
MAX_TEXT: Final = 20_000
"""Characters of one attribute."""


class Unreadable(Exception):
    """The body is not an OTLP request; the text says why."""


def read_spans(body: bytes, content_type: str) -> list[Span]:
    """Return the spans of a request to `/v1/traces`; raises Unreadable."""
    request = _read(ExportTraceServiceRequest(), body, content_type)
    return [
        Span(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            name=_cut(span.name),
            service=service,
            process=process,
            start=_seconds(span.start_time_unix_nano),
            end=_seconds(span.end_time_unix_nano),
            error=_cut(span.status.message or "error") if span.status.code == Status.STATUS_CODE_ERROR else "",
            attributes=_attributes(span.attributes),
            events=tuple((_seconds(event.time_unix_nano), _cut(event.name)) for event in span.events),
        )
        for group in request.resource_spans
        for service, process in [_origin(group.resource)]
        for scope in group.scope_spans
        for span in scope.spans
    ]


def read_logs(body: bytes, content_type: str) -> list[LogLine]:
    """Return the log records of a request to `/v1/logs` that belong to a trace; raises Unreadable."""
    request = _read(ExportLogsServiceRequest(), body, content_type)
    return [
        LogLine(
            trace_id=record.trace_id.hex(),
            time=_seconds(record.time_unix_nano or record.observed_time_unix_nano),
            level=_cut(record.severity_text.lower()),
            service=service,
            process=process,
            event=str(_value(record.body)),
            fields=_attributes(record.attributes),
        )
        for group in request.resource_logs
        for service, process in [_origin(group.resource)]
        for scope in group.scope_logs
        for record in scope.log_records
        if record.trace_id
    ]


def answer_to(read: Callable[..., object], content_type: str) -> bytes:
    """Return the body of the answer to a request that was accepted."""
    response = ExportTraceServiceResponse() if read is read_spans else ExportLogsServiceResponse()
    return b"{}" if content_type == JSON else response.SerializeToString()


def _read(request: M, body: bytes, content_type: str) -> M:
    try:
        if content_type == JSON:
            found = _with_base64(json.loads(body))
            if not isinstance(found, dict):
                raise Unreadable("an OTLP request is a JSON object")
            return ParseDict(found, request, ignore_unknown_fields=True, max_recursion_depth=50)
        request.ParseFromString(body)
    except (DecodeError, ParseError, ValueError, RecursionError) as exc:
        raise Unreadable(f"not an OTLP request: {type(exc).__name__}") from exc
    return request


def _with_base64(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _base64(inner) if name in IDS else _with_base64(inner) for name, inner in value.items()}
    return [_with_base64(item) for item in value] if isinstance(value, list) else value


def _base64(hexadecimal: object) -> str:
    try:
        return base64.b64encode(bytes.fromhex(str(hexadecimal))).decode()
    except (binascii.Error, ValueError) as exc:
        raise ValueError("an id is not hexadecimal") from exc


def _seconds(nanoseconds: int) -> float:
    return nanoseconds // 1000 / 1e6  # a float has no more digits


def _origin(resource: Resource) -> tuple[str, str]:
    found = _attributes(resource.attributes)
    return str(found.get("service.name", "")), str(found.get("process.pid", ""))


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return dict(_named(pairs, 0))


def _named(pairs: Iterable[KeyValue], depth: int) -> Iterator[tuple[str, Any]]:
    for pair in pairs:
        yield _cut(pair.key), _value(pair.value, depth)


def _value(value: AnyValue, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        return "…"
    match kind := value.WhichOneof("value"):
        case "kvlist_value":
            found: Any = dict(_named(value.kvlist_value.values, depth + 1))
        case "array_value":
            found = [_value(item, depth + 1) for item in value.array_value.values]
        case "string_value":
            found = _cut(value.string_value)
        case "bytes_value":
            found = f"({len(value.bytes_value)} bytes)"
        case _:
            found = getattr(value, kind) if kind else ""
    return found


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
