"""Serves services over any transport.

Around each call: the caller's deadline (504), errors as problem documents, the audit log. Within:

    RunChecks           runs the checks below, in this order
    custom stages       see a decoded request of an authorised caller; each may call the next stage or answer itself
    invoke              calls the method and encodes its answer

The checks:

    Route               finds the method: 404
    before_body         of the access: who the caller is, and whether it may call the method: 401, 403, 429
    Decode              chooses the formats and reads the body: 415, 406, 413, 408, 400, 422
    after_body          of the access: whether the caller may have the resource in the request: 403
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Final

from opentelemetry.trace import SpanKind
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.rpc.codec.formats import standard_formats
from wxbus.rpc.codec.serialization import Serializer, Serializers
from wxbus.rpc.service.access import Access
from wxbus.rpc.service.audit import Audit
from wxbus.rpc.service.call import CURRENT_CALL, Answer, Call
from wxbus.rpc.service.checks import Check, Decode, Route
from wxbus.rpc.service.declaration import ServedMethod, methods_of
from wxbus.rpc.service.stages import RunChecks, Stage, compose, error_answer, invoke, within_deadline
from wxbus.telemetry import is_traced, span

CLIENT_CLOSED: Final = 499
"""Status of a cancelled call in the audit log; it is never sent."""


class Server:
    """Answers calls of the given services."""

    def __init__(
        self,
        services: Sequence[object],
        *,
        access: Access,
        stages: Sequence[Stage] = (),
        serializers: Sequence[Serializer] | None = None,
        registry: CollectorRegistry = REGISTRY,
        unlogged: Collection[str] = (),
        public: bool = False,
    ) -> None:
        """Check the declarations and build the chain of stages.

        Args:
            services: Objects whose classes are marked with `@service`.
            access: Identifies the callers and checks their permissions.
            stages: Custom stages around the method.
            serializers: The first is the default of answers; `formats.standard_formats()` by default.
            registry: Holds the metrics.
            unlogged: Methods, `service.method`, whose successful calls are not logged.
            public: Callers are outside: they do not learn why a dependency is unavailable; the log has it.

        Raises:
            TypeError: A class is not marked with `@service`, two objects declare the same method, or no caller could
                call a method by this access.
        """
        self.methods: dict[tuple[str, str], ServedMethod] = {}
        for instance in services:
            for name, method in methods_of(instance).items():
                if (method.service, name) in self.methods:
                    raise TypeError(f"two objects declare {method.service}.{name}")
                access.check_declaration(method)
                self.methods[method.service, name] = method
        self.serializers = Serializers(serializers or standard_formats())
        checks: list[Check] = [
            Route(self.methods),
            *access.before_body,
            Decode(self.serializers),
            *access.after_body,
        ]
        self._chain = compose([RunChecks(checks), *stages], invoke)
        self._audit = Audit(registry, unlogged=unlogged)
        self._public = public
        self._traced = is_traced()

    @property
    def services(self) -> frozenset[str]:
        """Names of the services."""
        return frozenset(service for service, _ in self.methods)

    async def answer(self, call: Call) -> Answer:
        """Return the answer, also to a failed call. Raises only cancellation, by a transport that lost the caller."""
        if not self._traced:
            return await self._answer(call)
        method = f"{call.service}/{call.name}" if (call.service, call.name) in self.methods else "unknown"
        with span("rpc.call", call.traceparent, kind=SpanKind.SERVER, rpc__method=method) as current:
            answer = await self._answer(call)
            current.set(http__response__status_code=answer.status)
            return answer

    async def _answer(self, call: Call) -> Answer:
        started = time.perf_counter()
        token = CURRENT_CALL.set(call)
        try:
            answering = self._chain(call)
            answer = await (answering if call.timeout is None else within_deadline(answering, call.timeout))
        except asyncio.CancelledError:
            self._audit(call, Answer(CLIENT_CLOSED, "", b""), time.perf_counter() - started)
            raise
        except Exception as exc:  # every exception of a method has an answer
            answer = error_answer(call, exc, public=self._public)
        finally:
            CURRENT_CALL.reset(token)
        self._audit(call, answer, time.perf_counter() - started)
        return answer
