"""The accounts file, read again when it changes: no service must be restarted for a new account or key.

It is polled: that sees a change in place, an editor's replacement and the links that Kubernetes swaps, on every file
system, and in the files of secrets too.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeAlias

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from wxbus.accounts import Account, Accounts, secret_files
from wxbus.errors import ConfigurationError

POLL = 1.0
"""Seconds between two looks; a change is taken when two in a row saw the same, so that a write in place has ended."""

Taker: TypeAlias = Callable[[Accounts], None]
"""Goes on with other accounts; raises ConfigurationError if it cannot use them, and goes on with those it has."""

_Stamps: TypeAlias = dict[Path, tuple[int, int, int, int] | None]
"""By path what changes when the file there does: device, inode, time and size; None: there is none."""

log = structlog.stdlib.get_logger(__name__)


class KnownAccounts(Protocol):
    """Accounts by appid: `Accounts`, or those of a file as it last was."""

    def of(self, appid: str, *, via: str = "") -> Account:
        """See `Accounts.of`."""
        ...

    def owner_of(self, appid: str) -> Account:
        """See `Accounts.owner_of`."""
        ...


class AccountsFile:
    """The accounts as the file last said when it could be read."""

    def __init__(self, path: Path, *, registry: CollectorRegistry = REGISTRY, poll: float = POLL) -> None:
        """Read the file; raises ConfigurationError as `Accounts.read` does."""
        self._path = path
        self._poll = poll
        self._takers: list[Taker] = []
        self._told = asyncio.Event()
        self._problem = ""
        self._found = self._seen = _stamps(path)
        self.current = Accounts.read(path)
        wrong = Gauge(
            "wxbus_accounts_file_wrong",
            "1 while the accounts file cannot be used and the accounts from before are",
            registry=registry,
        )
        wrong.set_function(lambda: bool(self._problem))

    def tell(self, taker: Taker) -> None:
        """Let `taker` know of other accounts from now on."""
        self._takers.append(taker)

    def of(self, appid: str, *, via: str = "") -> Account:
        """Return an account by its appid, see `Accounts.of`."""
        return self.current.of(appid, via=via)

    def owner_of(self, appid: str) -> Account:
        """Return an account by its appid alone, see `Accounts.owner_of`."""
        return self.current.owner_of(appid)

    async def check(self) -> None:
        """Return if the current accounts are those of the file; raises ConfigurationError if it cannot be used."""
        if self._problem:
            raise ConfigurationError(self._problem)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Read the file again when it has changed, and on SIGHUP, while the block runs."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._told.set)
        watching = asyncio.create_task(self._watch(), name="accounts file")
        try:
            yield
        finally:
            watching.cancel()
            loop.remove_signal_handler(signal.SIGHUP)
            await asyncio.wait([watching])

    async def reread(self) -> None:
        """Read the file now; if it cannot be used everything stays as it is, and `check` says why."""
        self._seen = await asyncio.to_thread(_stamps, self._path)
        try:
            accounts = await asyncio.to_thread(self._read)
            for taker in self._takers:
                taker(accounts)
        except ConfigurationError as exc:
            self._problem = str(exc)
            log.warning("accounts.kept", reason=self._problem, accounts=len(self.current))
            return
        self._problem = ""
        self.current = accounts
        log.info("accounts.taken", accounts=len(accounts))

    def _read(self) -> Accounts:
        accounts = Accounts.read(self._path)
        if len(self.current) and not len(accounts):
            # More likely a file in the middle of being written than the wish to serve nobody.
            raise ConfigurationError(f"accounts file {self._path}: there is no account in it")
        return accounts

    async def look(self) -> None:
        """Read the file again if it has changed and rests, or if somebody told us to."""
        found = await asyncio.to_thread(_look, list(self._seen))
        if self._told.is_set() or (found == self._found and found != self._seen):
            self._told.clear()
            await self.reread()
        self._found = found

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._told.wait()
            try:
                await self.look()
            except Exception:
                log.exception("accounts.reread_failed")


def _stamps(path: Path) -> _Stamps:
    """Return the stamps of the accounts file and of all files that it names; made before any of them is read."""
    first = _look([path])
    try:
        named = secret_files(path)
    except ConfigurationError:
        named = []
    return first | _look(named)


def _look(paths: list[Path]) -> _Stamps:
    found: _Stamps = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return found
