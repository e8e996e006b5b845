"""Services ready to be called, by whatever transport.

The stages around a method, outermost first; each may act, call the next or answer itself:

    Audit               notes who called what and how it ended
    settle_errors       makes answers of errors
    keep_deadline       gives up when the caller has: 504
    Route               finds the method: 404
    Authenticate        finds out who calls: 401
    authorize           may the caller call the method at all: 403
    Limit               does the caller call too often: 429 (if there is a limit)
    Decode              settles the formats, reads the body: 415, 406, 413, 400, 422
    authorize_resource  may the caller call it for what the request names: 403
    one's own           see a decoded request of somebody who may make it
    invoke              calls the method, encodes what it returns
"""

from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.rpc.call import CURRENT, Answer, Call
from wxbus.rpc.declaration import Method, methods_of
from wxbus.rpc.formats import standard
from wxbus.rpc.keys import Authenticator
from wxbus.rpc.serialization import Serializer, Serializers
from wxbus.rpc.stages import (
    Audit,
    Authenticate,
    Decode,
    Route,
    Stage,
    authorize,
    authorize_resource,
    compose,
    invoke,
    keep_deadline,
    settle_errors,
)


class Server:
    """Answers calls of the services it was given; nothing else in the process is callable."""

    def __init__(
        self,
        services: Sequence[object],
        *,
        authenticator: Authenticator,
        stages: Sequence[Stage] = (),
        limit: Stage | None = None,
        serializers: Sequence[Serializer] | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """Check the declarations and put the pipeline together.

        Args:
            services: Objects whose classes are marked with `@service`.
            authenticator: Knows the callers.
            stages: One's own, around the method.
            limit: Refuses who calls too often, see `wxbus.rpc.limit`.
            serializers: The first is the default of answers; those of `formats.standard` if none are given.
            registry: Where calls are counted.

        Raises:
            TypeError: A class is not marked, or two objects declare one method.
        """
        self.methods: dict[tuple[str, str], Method] = {}
        for instance in services:
            for name, method in methods_of(instance).items():
                if (method.service, name) in self.methods:
                    raise TypeError(f"two objects declare {method.service}.{name}")
                self.methods[method.service, name] = method
        self.serializers = Serializers(serializers or standard())
        self._chain = compose(
            [
                Audit(registry),
                settle_errors,
                keep_deadline,
                Route(self.methods),
                Authenticate(authenticator),
                authorize,
                *([limit] if limit is not None else []),
                Decode(self.serializers),
                authorize_resource,
                *stages,
            ],
            invoke,
        )

    @property
    def services(self) -> frozenset[str]:
        """Names of the services."""
        return frozenset(service for service, _ in self.methods)

    async def answer(self, call: Call) -> Answer:
        """Return the answer, errors included; only cancellation is raised."""
        token = CURRENT.set(call)
        try:
            return await self._chain(call)
        finally:
            CURRENT.reset(token)
