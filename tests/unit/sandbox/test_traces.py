"""The sandbox as a collector: what it takes, keeps and shows."""

import asyncio
import gzip
import json
from typing import Any

import aiohttp
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.sandbox import EVENT_WAIT, World
from wxbus_sandbox.traces.otlp import JSON, PROTOBUF
from wxbus_sandbox.traces.records import Span
from wxbus_sandbox.traces.store import Traces

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"
USER = "oSandboxUser0000000000000001"


def a_request() -> ExportTraceServiceRequest:
    """Return the request with one failed span that has all kinds of values."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for name, value in (("service.name", "wxbus-worker"), ("process.pid", "7")):
        group.resource.attributes.add(key=name).value.string_value = value
    span = group.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
        name="worker.commit",
        start_time_unix_nano=1_790_000_000_250_000_000,
        end_time_unix_nano=1_790_000_000_500_000_000,
    )
    span.status.code, span.status.message = span.status.STATUS_CODE_ERROR, "StoreUnavailable"
    span.events.add(name="verified", time_unix_nano=1_790_000_000_300_000_000)
    span.attributes.add(key="wxbus.version").value.int_value = 3
    span.attributes.add(key="list").value.array_value.values.add().bool_value = True
    return request


SHOWN: dict[str, Any] = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "parent_id": "",
    "name": "worker.commit",
    "service": "wxbus-worker",
    "process": "7",
    "start": 1_790_000_000.25,
    "end": 1_790_000_000.5,
    "error": "StoreUnavailable",
    "attributes": {"wxbus.version": 3, "list": [True]},
    "events": [[1_790_000_000.3, "verified"]],
}


def as_json(request: ExportTraceServiceRequest) -> bytes:
    """Return OTLP's JSON form: as protobuf's, but ids are hexadecimal and enums are numbers."""
    found = MessageToDict(request, use_integers_for_enums=True)
    found["resourceSpans"][0]["scopeSpans"][0]["spans"][0] |= {"traceId": TRACE_ID, "spanId": SPAN_ID}
    return json.dumps({**found, "unknown": 1}).encode()


async def test_both_forms_of_otlp_are_taken(world: World) -> None:
    """Protobuf and JSON, plain and gzip, become the same step; a repeated request adds nothing."""
    plain = a_request().SerializeToString()
    sent = [
        (plain, PROTOBUF, {}),
        (gzip.compress(plain), PROTOBUF, {"Content-Encoding": "gzip"}),
        (as_json(a_request()), JSON, {}),
    ]
    async with aiohttp.ClientSession(world.url) as http:
        for body, kind, headers in sent:
            await world.control.reset()
            async with http.post("/v1/traces", data=body, headers={"Content-Type": kind, **headers}) as answer:
                assert (answer.status, answer.content_type) == (200, kind)
                if kind == PROTOBUF:
                    ExportTraceServiceResponse.FromString(await answer.read())
            async with http.post("/v1/traces", data=body, headers={"Content-Type": kind, **headers}):
                pass
            async with http.get(f"/sandbox/traces/{TRACE_ID}") as found:
                assert (await found.json())["spans"] == [SHOWN], kind
    assert not world.sandbox.calls.find(lambda _call: True), "telemetry is no call of WeChat's API"


async def test_log_records_of_a_trace_are_kept(world: World) -> None:
    """They are kept with their fields; records without a trace are accepted and dropped."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for trace_id in (bytes.fromhex(TRACE_ID), b""):
        record = records.add(trace_id=trace_id, time_unix_nano=1_790_000_000_000_000_000, severity_text="WARN")
        record.body.string_value = "delivery.retry_scheduled"
        record.attributes.add(key="attempt").value.int_value = 1
    async with aiohttp.ClientSession(world.url) as http:
        headers = {"Content-Type": PROTOBUF}
        async with http.post("/v1/logs", data=request.SerializeToString(), headers=headers) as answer:
            assert answer.status == 200
        async with http.get(f"/sandbox/traces/{TRACE_ID}") as found:
            (line,) = (await found.json())["logs"]
    assert (line["event"], line["level"], line["fields"]) == ("delivery.retry_scheduled", "warn", {"attempt": 1})


async def test_other_requests_are_refused(world: World) -> None:
    """A wrong type, a wrong body, ids that are not hexadecimal, a body above the limit: an error that says why."""
    wrong_id = as_json(a_request()).replace(TRACE_ID.encode(), b"not hexadecimal")
    deep = b'{"resourceSpans":' + b"[" * 5000 + b"]" * 5000 + b"}"
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    cases: list[tuple[bytes, str, dict[str, str], int]] = [
        (b"x", "text/plain", {}, 415),
        (b"\xff\xff", PROTOBUF, {}, 400),
        (b"{", JSON, {}, 400),
        (b"[]", JSON, {}, 400),
        (wrong_id, JSON, {}, 400),
        (deep, JSON, {}, 400),
        (bomb, PROTOBUF, {"Content-Encoding": "gzip"}, 413),
    ]
    async with aiohttp.ClientSession(world.url) as http:
        for body, kind, headers, status in cases:
            async with http.post("/v1/traces", data=body, headers={"Content-Type": kind, **headers}) as answer:
                assert answer.status == status, (body[:20], await answer.text())


def a_span(number: int, trace: int = 1) -> Span:
    """Return one of several spans."""
    return Span(
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        parent_id="",
        name="step",
        service="worker",
        process="1",
        start=float(number),
        end=number + 1.0,
    )


def test_memory_is_bounded() -> None:
    """By traces, by records of each trace, and by size; the trace without news for the longest time goes first."""
    traces = Traces(traces=3, records=2, size=10**6)
    traces.add(a_span(number, trace=1) for number in range(5))
    shown = traces.shown(f"{1:032x}")
    assert (len(shown["spans"]), shown["left_out"]) == (2, 3)
    traces.add(a_span(1, trace=trace) for trace in (2, 3, 2, 1, 4))
    assert [bool(traces.shown(f"{trace:032x}")["spans"]) for trace in (1, 2, 3, 4)] == [True, True, False, True]
    small = Traces(size=1)
    small.add(a_span(1, trace=trace) for trace in (1, 2))
    assert [bool(small.shown(f"{trace:032x}")["spans"]) for trace in (1, 2)] == [False, True]


async def test_readers_wait_for_news(world: World) -> None:
    """`seen` is the revision that a reader has; the answer comes with the next one."""
    async with aiohttp.ClientSession(world.url) as http:
        async with http.get(f"/sandbox/traces/{1:032x}") as found:
            assert (await found.json())["revision"] == 0
        traces = world.sandbox.traces
        async with asyncio.timeout(EVENT_WAIT), asyncio.TaskGroup() as tasks:
            tasks.create_task(traces.wait(f"{1:032x}", seen=0, timeout=EVENT_WAIT))
            await asyncio.sleep(0)  # it waits now
            traces.add([a_span(1, trace=2)])  # of another message
            traces.add([a_span(1)])
        async with http.get(f"/sandbox/traces/{1:032x}?seen=0") as found:
            assert [span["name"] for span in (await found.json())["spans"]] == ["step"]
        async with http.get(f"/sandbox/traces/{1:032x}?seen=x") as refused:
            assert refused.status == 400


async def test_a_push_begins_a_trace(world: World) -> None:
    """Ingress gets a `traceparent`; the trace has each attempt, its request, plain and encrypted, and no signature."""
    result = await world.control.text("shop", "a plain text", openid=USER)
    received = world.ingress.received[-1]
    shown = world.sandbox.traces.shown(result.trace_id)
    (attempt,) = shown["spans"]
    assert received.request.headers["traceparent"] == f"00-{result.trace_id}-{attempt['span_id']}-01"
    assert (attempt["service"], attempt["name"], attempt["error"]) == ("sandbox", "wechat.push", "")
    fields = attempt["attributes"]
    assert fields["wechat.request"] == received.body.decode()
    assert "a plain text" not in fields["wechat.request"]
    assert "<Content><![CDATA[a plain text]]></Content>" in fields["wechat.plain"]
    assert fields["wechat.answer"] == "success"
    assert "signature=***" in fields["wechat.query"]
    assert received.raw_query["msg_signature"] not in json.dumps(shown)
