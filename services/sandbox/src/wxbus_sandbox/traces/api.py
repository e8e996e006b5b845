"""Receives OTLP at `/v1/traces` and `/v1/logs`, as any collector does, and serves the trace of one message."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from wxbus_sandbox.state import SANDBOX
from wxbus_sandbox.traces.otlp import JSON, PROTOBUF, Unreadable, answer_to, read_logs, read_spans
from wxbus_sandbox.traces.records import LogLine, Span

MAX_BODY: Final = 16 * 1024 * 1024
"""Bytes of a request, decompressed."""
MAX_WAIT: Final = 20.0
"""Seconds for which a reader may wait for a change of a trace."""


async def trace(request: web.Request) -> web.Response:
    """Answer with a trace; with `seen`, the revision that the reader has, once it has changed."""
    traces, trace_id = request.app[SANDBOX].traces, request.match_info["trace_id"]
    if seen := request.query.get("seen", ""):
        if not seen.isdecimal():
            return web.json_response({"error": "seen must be a number"}, status=400)
        await traces.wait(trace_id, seen=int(seen), timeout=MAX_WAIT)
    return web.json_response(traces.shown(trace_id), headers={"Cache-Control": "no-store"})


def routes() -> list[web.RouteDef]:
    """Return the routes of collectors, and that of a trace."""
    return [
        web.post("/v1/traces", _receiver(read_spans)),
        web.post("/v1/logs", _receiver(read_logs)),
        web.get("/sandbox/traces/{trace_id:[0-9a-f]{32}}", trace),
    ]


def _receiver(
    read: Callable[[bytes, str], Sequence[Span | LogLine]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def receive(request: web.Request) -> web.Response:
        kind = request.content_type
        if kind not in {PROTOBUF, JSON}:
            return web.json_response({"message": f"Content-Type must be {PROTOBUF} or {JSON}"}, status=415)
        sized = request.clone(client_max_size=MAX_BODY)
        try:
            records = read(await sized.read(), kind)
        except Unreadable as exc:
            return web.json_response({"message": str(exc)}, status=400)
        request.app[SANDBOX].traces.add(records)
        return web.Response(body=answer_to(read, kind), content_type=kind)

    return receive
