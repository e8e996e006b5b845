"""Objects of a router that a worker opens before its first message and closes after its last message.

router.provide(Pool, open_pool)  # an async context manager per worker; handlers take `Pool` by type
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import structlog

from wxbus.errors import ConfigurationError
from wxbus.features import Features
from wxbus.runtime.logs import redact_text
from wxbus_worker.handlers.hints import Handler, name_of
from wxbus_worker.handlers.injection import bind_provided, run

T = TypeVar("T")
H = TypeVar("H", bound=Handler)

Opener: TypeAlias = Callable[..., AbstractAsyncContextManager[T]]
"""Returns the context manager of an object; may take objects that are provided before it, by type."""

CLOSE_SECONDS: Final = 5.0
"""Seconds for closing one object, and for one `on_stop` hook: a hook that hangs must not block the stop of the
worker."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    """How an object that handlers take by type is opened and closed."""

    kind: type
    name: str
    open: Callable[[Features], AbstractAsyncContextManager[Any]]


class Resources:
    """The part of a router that opens and closes objects that its handlers use."""

    name: str
    features: tuple[type, ...]

    def __init__(self) -> None:
        self.providers: list[Provider] = []
        self.start_hooks: list[tuple[str, Callable[[Features], Any]]] = []
        self.stop_hooks: list[tuple[str, Callable[[Features], Any]]] = []
        self.provided: tuple[type, ...] = ()

    def provide(self, kind: type[T], opener: Opener[T], /) -> None:
        """Open an object of this type when a worker starts; the handlers registered afterwards can take it by type.

        Included routers name it under `features`. Objects are closed in reverse order, after the last message.

        Args:
            kind: The type that handlers name.
            opener: Returns an async context manager, such as an `@asynccontextmanager` function.

        Raises:
            ConfigurationError: The type is provided already, or the opener takes something else.
        """
        if not isinstance(kind, type):
            raise ConfigurationError(f"router {self.name}: provide needs a type, not {kind!r}")
        if kind in self.provided:
            raise ConfigurationError(f"router {self.name} provides {kind.__name__} already")
        if inspect.iscoroutinefunction(opener) or inspect.isasyncgenfunction(opener):
            raise ConfigurationError(
                f"router {self.name}: the provider of {kind.__name__} must return an async context manager: "
                f"decorate {name_of(opener)} with @asynccontextmanager"
            )
        self.providers.append(Provider(kind, name_of(opener), bind_provided(opener, self.can_take)))
        self.provided = (*self.provided, kind)

    def on_start(self, hook: H, /) -> H:
        """Register for the start of a worker: it runs before the first message, and may take provided objects."""
        self.start_hooks.append((name_of(hook), bind_provided(hook, self.can_take)))
        return hook

    def on_stop(self, hook: H, /) -> H:
        """Register for the end of a worker: it runs after the last message, before provided objects are closed."""
        self.stop_hooks.append((name_of(hook), bind_provided(hook, self.can_take)))
        return hook

    @property
    def can_take(self) -> tuple[type, ...]:
        """Return the types that middleware sets, and the provided types."""
        return (*self.features, *self.provided)


@asynccontextmanager
async def opened(routers: Iterable[Resources], provided: Features) -> AsyncIterator[None]:
    """Add the objects of these routers to `provided` and run their `on_start` hooks; at the end, the reverse.

    A type that `provided` has already is not opened.

    Raises:
        ConfigurationError: An object could not be opened, or a hook failed; the text names it and the reason.
    """
    openers: dict[type, str] = {}
    async with AsyncExitStack() as stack:
        for router in routers:
            for provider in router.providers:
                if (first := openers.setdefault(provider.kind, provider.name)) != provider.name:
                    raise ConfigurationError(f"{provider.kind.__name__} is provided twice: {first}, {provider.name}")
                if provider.kind not in provided:
                    provided[provider.kind] = await stack.enter_async_context(_open(provider, provided))
            for name, hook in router.stop_hooks:
                stack.push_async_callback(_closed, name, partial(run, hook, provided))
            for name, hook in router.start_hooks:
                try:
                    await run(hook, provided)
                except Exception as exc:
                    raise _failed(f"on_start hook {name}", exc) from exc
        yield


@asynccontextmanager
async def _open(provider: Provider, provided: Features) -> AsyncIterator[object]:
    what = f"provider {provider.name} of {provider.kind.__name__}"
    try:
        manager = provider.open(provided)
        value = await manager.__aenter__()
    except Exception as exc:
        raise _failed(what, exc) from exc
    try:
        if not isinstance(value, provider.kind):
            raise ConfigurationError(f"{what} yields {type(value).__name__}")
        yield value
    finally:
        await _closed(provider.name, lambda: manager.__aexit__(None, None, None))


async def _closed(name: str, close: Callable[[], Awaitable[object]]) -> None:
    """Close one object; a failure is logged, so that the other objects are closed, too."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await close()
    except Exception:
        log.exception("worker.close_failed", name=name)


def _failed(what: str, exc: Exception) -> ConfigurationError:
    return ConfigurationError(f"{what} failed: {type(exc).__name__}: {redact_text(str(exc))}")
