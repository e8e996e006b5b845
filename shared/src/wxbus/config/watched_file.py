"""A configuration file that is reloaded when it changes, without a restart of the service.

The file is polled (decision 0019).
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Sized
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from wxbus.aio.background import background
from wxbus.aio.ticks import until_tick
from wxbus.errors import ConfigurationError

T = TypeVar("T", bound=Sized)

POLL: Final = 1.0
"""Seconds between two polls. A change is loaded when two polls in a row find the same stamps: the write has ended."""

_Stamps: TypeAlias = dict[Path, tuple[int, int, int, int] | None]
"""Device, inode, time and size by path; None for a missing file."""

log = structlog.stdlib.get_logger(__name__)


def _nothing(_: Path) -> Iterable[Path]:
    return ()


class WatchedFile(Generic[T]):
    """The last valid content of a file."""

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        *,
        name: str,
        referenced: Callable[[Path], Iterable[Path]] = _nothing,
        registry: CollectorRegistry = REGISTRY,
        poll: float = POLL,
    ) -> None:
        """Read the file; raises ConfigurationError as `read` does.

        Args:
            path: The file.
            read: Parses the file.
            name: Name of the content in logs and in the metric: `accounts`.
            referenced: Returns further files that the file names; raises ConfigurationError if it is unreadable.
            registry: Holds the metric.
            poll: Seconds between two polls.
        """
        self.path = path
        self._read = read
        self._name = name
        self._referenced = referenced
        self._poll = poll
        self._callbacks: list[Callable[[T], None]] = []
        self._requested = asyncio.Event()
        self._problem = ""
        self._last_poll = self._loaded = self._stamps()
        self.current = read(path)
        invalid = Gauge(
            f"wxbus_{name}_file_invalid",
            f"1 while the file of {name} is invalid and its last valid content is used",
            registry=registry,
        )
        invalid.set_function(lambda: bool(self._problem))

    def on_change(self, callback: Callable[[T], None]) -> None:
        """Call `callback` with the new content after each change.

        A callback that raises ConfigurationError refuses the content; the previous content stays in use.
        """
        self._callbacks.append(callback)

    async def check(self) -> None:
        """Raise ConfigurationError while the file is invalid: a readiness check."""
        if self._problem:
            raise ConfigurationError(self._problem)

    @asynccontextmanager
    async def watching(self, *others: "WatchedFile[Any]") -> AsyncIterator[None]:
        """Reload this file and the others when they change, and all of them on SIGHUP, while the block runs."""
        files = (self, *others)
        loop = asyncio.get_running_loop()

        def reload_all() -> None:
            for file in files:
                file.reload_soon()

        loop.add_signal_handler(signal.SIGHUP, reload_all)
        try:
            async with AsyncExitStack() as stack:
                for file in files:
                    await stack.enter_async_context(background(file.watch()))
                yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def reload_soon(self) -> None:
        """Reload the file now, changed or not."""
        self._requested.set()

    async def watch(self) -> None:
        """Poll until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(until_tick(self._poll)):
                    await self._requested.wait()
            try:
                await self.poll()
            except Exception:
                log.exception("config_file.reload_failed", file=self._name)

    async def poll(self) -> None:
        """Reload the file if it has changed since it was loaded but not since the last poll, or on request."""
        found = await asyncio.to_thread(_stamps_of, list(self._loaded))
        if self._requested.is_set() or (found == self._last_poll and found != self._loaded):
            self._requested.clear()
            await self._reload()
        self._last_poll = found

    def validate(self, content: T) -> None:
        """Raise ConfigurationError for content that must not replace `current`."""

    async def _reload(self) -> None:
        self._loaded = await asyncio.to_thread(self._stamps)
        try:
            content = await asyncio.to_thread(self._read, self.path)
            self.validate(content)
            for callback in self._callbacks:
                callback(content)
        except ConfigurationError as exc:
            self._problem = str(exc)
            log.warning("config_file.reload_refused", file=self._name, reason=self._problem, count=len(self.current))
            return
        self._problem = ""
        self.current = content
        log.info("config_file.reloaded", file=self._name, count=len(content))

    def _stamps(self) -> _Stamps:
        """Return the stamps of the file and of the files it names; taken before any of them is read."""
        stamps = _stamps_of([self.path])
        with suppress(ConfigurationError):
            stamps |= _stamps_of(self._referenced(self.path))
        return stamps


def _stamps_of(paths: Iterable[Path]) -> _Stamps:
    stamps: _Stamps = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            stamps[path] = None
        else:
            stamps[path] = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return stamps
