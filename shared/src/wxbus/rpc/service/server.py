"""Serves services over any transport.

Around each call: the caller's deadline (504), errors as problem documents, the audit log. Within:

    RunChecks           runs the checks below, in this order
    custom stages       see a decoded request of an authorised caller; each may call the next stage or answer itself
    invoke              calls the method and encodes its answer

The checks:

    Route               finds the method: 404
    Authenticate        identifies the caller: 401
    authorize           checks the scope for any resource: 403
    RateLimit           limits the caller's calls, if there is a limit: 429
    Decode              chooses the formats and reads the body: 415, 406, 413, 408, 400, 422
    authorize_resource  checks the scope for the resource in the request: 403
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.rpc.auth.keys import Authenticator
from wxbus.rpc.codec.formats import standard_formats
from wxbus.rpc.codec.serialization import Serializer, Serializers
from wxbus.rpc.service.audit import Audit
from wxbus.rpc.service.call import CURRENT_CALL, Answer, Call
from wxbus.rpc.service.checks import Authenticate, Check, Decode, Route, authorize, authorize_resource
from wxbus.rpc.service.declaration import ServedMethod, methods_of
from wxbus.rpc.service.stages import RunChecks, Stage, compose, error_answer, invoke, within_deadline

CLIENT_CLOSED: Final = 499
"""Status of a cancelled call in the audit log; it is never sent."""


class Server:
    """Answers calls of the given services."""

    def __init__(
        self,
        services: Sequence[object],
        *,
        authenticator: Authenticator,
        stages: Sequence[Stage] = (),
        limit: Check | None = None,
        serializers: Sequence[Serializer] | None = None,
        registry: CollectorRegistry = REGISTRY,
        unlogged: Collection[str] = (),
    ) -> None:
        """Check the declarations and build the chain of stages.

        Args:
            services: Objects whose classes are marked with `@service`.
            authenticator: Identifies the callers.
            stages: Custom stages around the method.
            limit: Limits the calls, see `wxbus.rpc.service.rate_limit`.
            serializers: The first is the default of answers; `formats.standard_formats()` by default.
            registry: For the metrics.
            unlogged: Methods, `service.method`, whose successful calls are not logged.

        Raises:
            TypeError: A class is not marked with `@service`, or two objects declare the same method.
        """
        self.methods: dict[tuple[str, str], ServedMethod] = {}
        for instance in services:
            for name, method in methods_of(instance).items():
                if (method.service, name) in self.methods:
                    raise TypeError(f"two objects declare {method.service}.{name}")
                self.methods[method.service, name] = method
        self.serializers = Serializers(serializers or standard_formats())
        checks: list[Check] = [
            Route(self.methods),
            Authenticate(authenticator),
            authorize,
            *([limit] if limit is not None else []),
            Decode(self.serializers),
            authorize_resource,
        ]
        self._chain = compose([RunChecks(checks), *stages], invoke)
        self._audit = Audit(registry, unlogged=unlogged)

    @property
    def services(self) -> frozenset[str]:
        """Names of the services."""
        return frozenset(service for service, _ in self.methods)

    async def answer(self, call: Call) -> Answer:
        """Return the answer, also to a failed call. Raises only cancellation, by a transport that lost the caller."""
        started = time.perf_counter()
        token = CURRENT_CALL.set(call)
        try:
            answering = self._chain(call)
            answer = await (answering if call.timeout is None else within_deadline(answering, call.timeout))
        except asyncio.CancelledError:
            self._audit(call, Answer(CLIENT_CLOSED, "", b""), time.perf_counter() - started)
            raise
        except Exception as exc:  # every exception of a method has an answer
            answer = error_answer(call, exc)
        finally:
            CURRENT_CALL.reset(token)
        self._audit(call, answer, time.perf_counter() - started)
        return answer
