"""A collector of OpenTelemetry's that passes on what it gets, as collectors do, and keeps it for tests."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from wxbus.runtime.admin import listening


class Collector:
    """Takes OTLP in protobuf, and sends it on."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        """Use `open`."""
        self._http = http
        self.next_url = ""
        """Another collector, which may be away."""
        self.address = ""
        self.spans: list[tuple[str, Span]] = []
        """Each with the name of its service."""
        self.logs: list[tuple[str, LogRecord]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Collector"]:
        """Yield a collector that listens."""
        async with aiohttp.ClientSession() as http:
            collector = cls(http)
            app = web.Application(client_max_size=2**24)
            app.add_routes([web.post("/v1/traces", collector._take_spans), web.post("/v1/logs", collector._take_logs)])
            async with listening(app, host="127.0.0.1", port=0) as port:
                collector.address = f"http://127.0.0.1:{port}"
                yield collector

    def of(self, trace_id: str) -> set[tuple[str, str]]:
        """Return service and id of each span of a trace."""
        return {(service, span.span_id.hex()) for service, span in self.spans if span.trace_id.hex() == trace_id}

    async def _take_spans(self, request: web.Request) -> web.Response:
        read = ExportTraceServiceRequest.FromString(await request.read())
        for group in read.resource_spans:
            service = _service(group.resource.attributes)
            self.spans += [(service, span) for scope in group.scope_spans for span in scope.spans]
        return await self._passed_on(request)

    async def _take_logs(self, request: web.Request) -> web.Response:
        read = ExportLogsServiceRequest.FromString(await request.read())
        for group in read.resource_logs:
            service = _service(group.resource.attributes)
            self.logs += [(service, record) for scope in group.scope_logs for record in scope.log_records]
        return await self._passed_on(request)

    async def _passed_on(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": request.content_type}
        with suppress(aiohttp.ClientError):
            async with self._http.post(
                self.next_url + request.path, data=await request.read(), headers=headers
            ) as answer:
                assert answer.status == 200
        return web.Response(content_type=request.content_type)


def _service(attributes: Iterable[KeyValue]) -> str:
    return next(one.value.string_value for one in attributes if one.key == "service.name")
