"""The business's application: services, the stages around their calls, and objects that live as long as the gateway."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from wxbus.features import Features
from wxbus.rpc.service.call import Answer, Call
from wxbus.rpc.service.declaration import service_name
from wxbus.rpc.service.stages import Next, Stage

T = TypeVar("T")
C = TypeVar("C", bound=type)


class Application:
    """The application that `WXBUS_GATEWAY_APP` names: `app = Application()`.

    Services are created once, when the gateway starts. `provide` adds an object that lives as long as the gateway, such
    as a pool of connections; methods take it by type.
    """

    def __init__(self) -> None:
        self.services: list[object] = []
        self.stages: list[Stage] = []
        self._providers: dict[type, Callable[[], AbstractAsyncContextManager[Any]]] = {}

    def add(self, service: object) -> None:
        """Serve an object whose class is marked with `@service`.

        Raises:
            TypeError: Its class is not marked.
        """
        service_name(type(service))
        self.services.append(service)

    def service(self, cls: C) -> C:
        """Serve an object of a class under `@service`, as a decorator: `@app.service` above `@service("orders")`."""
        self.add(cls())
        return cls

    def stage(self, stage: Stage) -> Stage:
        """Put a stage around every call, inside the stages added before; it may answer the call itself."""
        self.stages.append(stage)
        return stage

    def provide(self, kind: type[T], opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        """Open `opening()` when the gateway starts; methods take its value by the type `kind`.

        Raises:
            TypeError: The type is provided already.
        """
        if kind in self._providers:
            raise TypeError(f"{kind.__name__} is provided already")
        self._providers[kind] = opening

    @asynccontextmanager
    async def opened(self, given: Mapping[type, object]) -> AsyncIterator[Stage]:
        """Yield the stage that gives each call the provided objects; close them afterwards, the last opened first.

        `given` has the objects that the gateway itself provides.
        """
        async with AsyncExitStack() as stack:
            provided = dict(given)
            for kind, opening in self._providers.items():
                provided[kind] = await stack.enter_async_context(opening())

            async def provide(call: Call, call_next: Next) -> Answer:
                _add(call.features, provided)
                return await call_next(call)

            yield provide


def _add(features: Features, provided: dict[type, Any]) -> None:
    for kind, value in provided.items():
        features[kind] = value
