"""Services ready to be called, by whatever transport.

Around each call: its caller's deadline (504), errors made into answers, a note for the audit log. Within:

    Admit               holds the checks below, in this order
    one's own stages    see a decoded request of somebody who may make it; each may act, call the next or answer itself
    invoke              calls the method, encodes what it returns

The checks:

    Route               finds the method: 404
    Authenticate        finds out who calls: 401
    authorize           may the caller call the method at all: 403
    Limit               does the caller call too often: 429 (if there is a limit)
    Decode              settles the formats, reads the body: 415, 406, 413, 408, 400, 422
    authorize_resource  may the caller call it for what the request names: 403
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
from wxbus.rpc.service.declaration import Method, methods_of
from wxbus.rpc.service.stages import RunChecks, Stage, compose, error_answer, invoke, within_deadline

CLIENT_CLOSED: Final = 499
"""Status in the audit log of a call that was cancelled; nobody is answered with it."""


class Server:
    """Answers calls of the services it was given; nothing else in the process is callable."""

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
        """Check the declarations and put the pipeline together.

        Args:
            services: Objects whose classes are marked with `@service`.
            authenticator: Knows the callers.
            stages: One's own, around the method.
            limit: Refuses who calls too often, see `wxbus.rpc.service.rate_limit`.
            serializers: The first is the default of answers; those of `formats.standard_formats` if none are given.
            registry: Where calls are counted.
            unlogged: Methods, `service.method`, whose calls are not logged if they succeed.

        Raises:
            TypeError: A class is not marked, or two objects declare one method.
        """
        self.methods: dict[tuple[str, str], Method] = {}
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
        """Return the answer, errors included; only cancellation is raised, which is what a transport does for a caller
        that has left.
        """
        began = time.perf_counter()
        token = CURRENT_CALL.set(call)
        try:
            answering = self._chain(call)
            answer = await (answering if call.timeout is None else within_deadline(answering, call.timeout))
        except asyncio.CancelledError:
            self._audit(call, Answer(CLIENT_CLOSED, "", b""), time.perf_counter() - began)
            raise
        except Exception as exc:  # whatever a method raises is answered
            answer = error_answer(call, exc)
        finally:
            CURRENT_CALL.reset(token)
        self._audit(call, answer, time.perf_counter() - began)
        return answer
