"""A file that is read again when it changes: no service must be restarted for what stands in it.

It is polled: that sees a change in place, an editor's replacement and the links that Kubernetes swaps, on every file
system, and in the files that it names too.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Sized
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from wxbus.aio.waiting import background
from wxbus.errors import ConfigurationError

T = TypeVar("T", bound=Sized)

POLL: Final = 1.0
"""Seconds between two looks; a change is taken when two in a row saw the same, so that a write in place has ended."""

_Stamps: TypeAlias = dict[Path, tuple[int, int, int, int] | None]
"""By path what changes when the file there does: device, inode, time and size; None: there is none."""

log = structlog.stdlib.get_logger(__name__)


def _nothing(_: Path) -> Iterable[Path]:
    return ()


class WatchedFile(Generic[T]):
    """What a file said when it could last be used."""

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        *,
        name: str,
        named: Callable[[Path], Iterable[Path]] = _nothing,
        registry: CollectorRegistry = REGISTRY,
        poll: float = POLL,
    ) -> None:
        """Read the file; raises ConfigurationError as `read` does.

        Args:
            path: Of the file.
            read: Returns what stands in it.
            name: What stands in it, for logs and the metric: `accounts`.
            named: Returns the further files that it names; raises ConfigurationError if it cannot be read.
            registry: Where the metric is.
            poll: Seconds between two looks.
        """
        self.path = path
        self._read = read
        self._name = name
        self._named = named
        self._poll = poll
        self._takers: list[Callable[[T], None]] = []
        self._told = asyncio.Event()
        self._problem = ""
        self._found = self._seen = self._stamps()
        self.current = read(path)
        wrong = Gauge(
            f"wxbus_{name}_file_wrong",
            f"1 while the file of {name} cannot be used and what it said before is",
            registry=registry,
        )
        wrong.set_function(lambda: bool(self._problem))

    def tell(self, taker: Callable[[T], None]) -> None:
        """Let `taker` know of changes from now on.

        It goes on with what it is given; or raises ConfigurationError if it cannot, and goes on with what it has.
        """
        self._takers.append(taker)

    async def check(self) -> None:
        """Return if what is known is what the file says; raises ConfigurationError if it cannot be used."""
        if self._problem:
            raise ConfigurationError(self._problem)

    @asynccontextmanager
    async def watching(self, *others: "WatchedFile[Any]") -> AsyncIterator[None]:
        """Read the file, and the others, again when they change, and all of them on SIGHUP, while the block runs."""
        files = (self, *others)
        loop = asyncio.get_running_loop()

        def hung_up() -> None:
            for file in files:
                file.reread_soon()

        loop.add_signal_handler(signal.SIGHUP, hung_up)
        try:
            async with AsyncExitStack() as stack:
                for file in files:
                    await stack.enter_async_context(background(file.watch()))
                yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def reread_soon(self) -> None:
        """Let the file be read now, whether or not it seems to have changed."""
        self._told.set()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._told.wait()
            try:
                await self.look()
            except Exception:
                log.exception(self._event("reread_failed"))

    async def look(self) -> None:
        """Read the file again if it has changed and rests, or if somebody told us to."""
        found = await asyncio.to_thread(_look, list(self._seen))
        if self._told.is_set() or (found == self._found and found != self._seen):
            self._told.clear()
            await self._reread()
        self._found = found

    def usable(self, read: T) -> T:
        """Return what was read; raises ConfigurationError if it cannot take the place of `current`."""
        return read

    async def _reread(self) -> None:
        self._seen = await asyncio.to_thread(self._stamps)
        try:
            read = self.usable(await asyncio.to_thread(self._read, self.path))
            for taker in self._takers:
                taker(read)
        except ConfigurationError as exc:
            self._problem = str(exc)
            log.warning(self._event("kept"), reason=self._problem, count=len(self.current))
            return
        self._problem = ""
        self.current = read
        log.info(self._event("taken"), count=len(read))

    def _event(self, what: str) -> str:
        return f"{self._name}.{what}"

    def _stamps(self) -> _Stamps:
        """Return the stamps of the file and of those that it names; made before any of them is read."""
        first = _look([self.path])
        with suppress(ConfigurationError):
            first |= _look(self._named(self.path))
        return first


def _look(paths: Iterable[Path]) -> _Stamps:
    found: _Stamps = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return found
