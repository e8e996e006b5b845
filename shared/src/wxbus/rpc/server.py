"""Services ready to be called, by whatever transport."""

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
        serializers: Sequence[Serializer] | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """Put `stages` of one's own after authorisation, around the method.

        The first of `serializers` is the default of answers; without any they are those of `formats.standard`.
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
